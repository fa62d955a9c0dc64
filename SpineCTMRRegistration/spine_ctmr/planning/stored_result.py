"""A folder of results, read back and checked to belong to two DICOM series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.transforms import map_points
from ..geometry.voxels import array_view
from ..imaging.label_schemes import VERSE
from ..imaging.reading import quiet_itk, read_image
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..results import names
from ..results.reader import read_result_folder
from ..results.sign_off import read_sign_off, require_match
from .grid_motion import GridMotion, from_ct_to_mr, from_mr_to_ct
from .sources import Source

CHECK_STRIDE = 4
LARGEST_DIFFERENCE = 1.0
"""Warped voxels are rounded to whole numbers once; more is another image."""
SHARE_OF_STRANGERS = 0.01
CHECKED_POINTS = 500
LARGEST_DEVIATION_MM = 0.1
"""Of half of a bone's points from its pose; only where bones touch the transforms are not exactly rigid."""


@dataclass(frozen=True)
class StoredResult:
    """What `register` wrote, on the grids of the two series.

    Attributes:
        mr_to_ct: composite transform of LPS mm points.
        ct_to_mr: its inverse.
        poses: rigid CT→MR pose by VerSe number, cranial to caudal.
        flags: "good", "check" or "do not use" by VerSe number.
        decisions: what a reader decided, "accept" or "reject", by VerSe number; those left open are missing.
        label_scheme: how the registered labels were numbered, as `given_scheme` takes it.
        verdict: the quality table in one sentence.
        ct_in_mr: the warped CT on the MR's grid.
        mr_in_ct: the warped MR on the CT's grid.
        vertebrae_in_mr: moved labels on the MR's grid, VerSe numbers.
    """

    mr_to_ct: sitk.CompositeTransform
    ct_to_mr: sitk.CompositeTransform
    poses: Mapping[int, Pose]
    flags: Mapping[int, str]
    decisions: Mapping[int, str]
    label_scheme: str
    verdict: str
    ct_in_mr: sitk.Image
    mr_in_ct: sitk.Image
    vertebrae_in_mr: sitk.Image

    @property
    def field_mr_to_ct(self) -> GridMotion:
        """`mr_to_ct` as grid and matrix."""
        return from_mr_to_ct(self.mr_to_ct)

    @property
    def field_ct_to_mr(self) -> GridMotion:
        """`ct_to_mr` as grid and matrix."""
        return from_ct_to_mr(self.ct_to_mr)

    @property
    def global_rigid(self) -> Pose:
        """The overall CT→MR motion, without what vertebrae and soft tissue do beyond it."""
        return self.field_ct_to_mr.after


def read_result(folder: Path, ct: Source, mr: Source) -> StoredResult:
    """The results in `folder`.

    Raises:
        InputError: incomplete, marked as failed, without rigid vertebrae, made from other images than
            `ct` and `mr`, or with the sign-off of another result.
    """
    with quiet_itk():
        stored = read_result_folder(folder)
        if failure := stored.run.get("failure"):
            raise InputError(
                f"The result '{folder}' failed its own checks ({str(failure).rstrip('.')}); "
                "register again before exporting it for planning."
            )
        if stored.run.get("own_field"):
            raise InputError(
                f"The result '{folder}' is a displacement as it is, in which no vertebra is rigid; register "
                "without --network-only and --quality instance before exporting it for planning."
            )
        result = StoredResult(
            mr_to_ct=_composite(folder, names.MR_TO_CT, stored.to_ct),
            ct_to_mr=_composite(folder, names.CT_TO_MR, stored.to_mr),
            poses={number: stored.poses[number] for number in cranial_to_caudal(stored.poses)},
            flags={int(row["number"]): str(row["flag"]) for row in stored.quality.get("vertebrae", [])},
            decisions=_decisions(folder, stored.poses),
            label_scheme=_label_scheme(stored.run),
            verdict=str(stored.quality.get("verdict", "")),
            ct_in_mr=_on_source(folder, read_image(folder / names.CT_IN_MR), mr),
            mr_in_ct=_on_source(folder, read_image(folder / names.MR_IN_CT), ct),
            vertebrae_in_mr=_on_source(folder, stored.labels_in_mr, mr),
        )
        _check_poses(folder, result)
        _check_voxels(folder, ct, result.ct_in_mr, result.mr_to_ct)
        _check_voxels(folder, mr, result.mr_in_ct, result.ct_to_mr)
    return result


def _decisions(folder: Path, numbers: Iterable[int]) -> dict[int, str]:
    """What the sign-off in a folder decides of vertebrae, by VerSe number."""
    if not (folder / names.SIGN_OFF).is_file():
        return {}
    sign_off = read_sign_off(folder / names.SIGN_OFF)
    require_match(folder, sign_off)
    decided = {one.vertebra: one.decision for one in sign_off.vertebrae if one.decision}
    return {n: decided[vertebra_name(n)] for n in numbers if vertebra_name(n) in decided}


def _check_poses(folder: Path, result: StoredResult) -> None:
    """Raises InputError if a vertebra's pose is not what the transforms do to its bone."""
    grid, labels = Grid.of(result.vertebrae_in_mr), array_view(result.vertebrae_in_mr)
    for number, pose in result.poses.items():
        bone = np.argwhere(labels == number)[:, ::-1]
        if not len(bone):
            continue  # outside the MR
        points = grid.to_points(bone[:: -(-len(bone) // CHECKED_POINTS)])
        apart = map_points(result.mr_to_ct, points) - pose.inverse.apply(points)
        if float(np.median(np.linalg.norm(apart, axis=1))) > LARGEST_DEVIATION_MM:
            raise InputError(
                f"{folder / names.pose_file(number)} is not how the transforms of this result move "
                f"{vertebra_name(number)}; register the patient again."
            )


def _label_scheme(run: Mapping[str, Any]) -> str:
    """How the labels were numbered; before this was written down, it was as in VerSe or by names."""
    return str(run.get("inputs", {}).get("label_scheme", VERSE.name))


def _composite(folder: Path, name: str, transform: sitk.Transform) -> sitk.CompositeTransform:
    """The transform as a rigid motion and a field; raises InputError if it is anything else."""
    composite = sitk.CompositeTransform(transform)
    kinds = {composite.GetNthTransform(i).GetName() for i in range(composite.GetNumberOfTransforms())}
    if kinds != {"Euler3DTransform", "DisplacementFieldTransform"}:
        raise InputError(
            f"{folder / name} is not a rigid motion with a displacement field; register the patient again."
        )
    return composite


def _on_source(folder: Path, image: sitk.Image, source: Source) -> sitk.Image:
    """A stored image with its voxels in the order of the series, which a file format may have changed."""
    grid = source.grid
    if Grid.of(image).same_as(grid):
        return grid.image(array_view(image).copy())
    if not _same_voxels(Grid.of(image), grid):
        raise InputError(
            f"The result '{folder}' was not made from the {source.modality} '{source.folder}' (their voxels "
            "lie elsewhere); give the series that was registered, or register from the DICOM folders."
        )
    return sitk.Resample(image, grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)


def _same_voxels(one: Grid, other: Grid, tolerance: float = 1e-2) -> bool:
    """Whether two grids have the same voxel centres, with axes flipped or exchanged."""
    step = (one.point_to_index @ other.index_to_point)[:3, :3]
    if np.abs(np.abs(step) - np.rint(np.abs(step))).max() > tolerance / max(other.size):
        return False
    corners = one.to_indices(other.corners())
    ends = np.array([np.zeros(3), one.size]) - 0.5
    inside = [np.abs(corners.min(0) - ends[0]).max(), np.abs(corners.max(0) - ends[1]).max()]
    return max(inside) <= tolerance


def _check_voxels(folder: Path, source: Source, warped: sitk.Image, transform: sitk.Transform) -> None:
    """Warp some voxels of `source` again and compare them with the stored ones."""
    some = Grid.of(warped).coarse(CHECK_STRIDE).empty()
    again = sitk.Resample(source.image, some, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    fresh = array_view(again).copy()
    stored = array_view(warped)[::CHECK_STRIDE, ::CHECK_STRIDE, ::CHECK_STRIDE]
    known = np.isfinite(fresh)
    differs = np.abs(fresh[known] - stored[known]) > LARGEST_DIFFERENCE
    if known.any() and differs.mean() > SHARE_OF_STRANGERS:
        raise InputError(
            f"The result '{folder}' was not made from the {source.modality} '{source.folder}' (their voxel "
            "values differ); give the series that was registered."
        )
