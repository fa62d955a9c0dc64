"""A folder of results, read back and checked to belong to two DICOM series."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..alignment import rigid
from ..errors import InputError
from ..imaging.grid import Grid
from ..imaging.reading import quiet_itk
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_number
from .grid_motion import GridMotion, from_ct_to_mr, from_mr_to_ct, matrix_of
from .sources import Source

CHECK_STRIDE = 4
LARGEST_DIFFERENCE = 1.0
"""Warped voxels are rounded to whole numbers once; more is another image."""
SHARE_OF_STRANGERS = 0.01


@dataclass(frozen=True)
class StoredResult:
    """What `register` wrote, on the grids of the two series.

    Attributes:
        mr_to_ct: composite transform of LPS mm points.
        ct_to_mr: its inverse.
        poses: rigid CT→MR pose (4, 4) in LPS mm by VerSe number, cranial to caudal.
        flags: "good", "check" or "do not use" by VerSe number.
        verdict: the quality table in one sentence.
        ct_in_mr: the warped CT on the MR's grid.
        mr_in_ct: the warped MR on the CT's grid.
        vertebrae_in_mr: moved labels on the MR's grid, VerSe numbers.
    """

    mr_to_ct: sitk.CompositeTransform
    ct_to_mr: sitk.CompositeTransform
    poses: Mapping[int, rigid.Rigid]
    flags: Mapping[int, str]
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
    def global_rigid(self) -> rigid.Rigid:
        """The overall CT→MR motion (4, 4) in LPS mm, without what vertebrae and soft tissue do beyond it."""
        return self.field_ct_to_mr.after


def read_result(folder: Path, ct: Source, mr: Source) -> StoredResult:
    """The results in `folder`.

    Raises:
        InputError: incomplete, marked as failed, or made from other images than `ct` and `mr`.
    """
    quality = _json(folder, "quality.json")
    if failure := _json(folder, "run.json").get("failure"):
        raise InputError(
            f"The result '{folder}' failed its own checks ({failure.rstrip('.')}); "
            "register again before exporting it for planning."
        )
    with quiet_itk():
        mr_to_ct, ct_to_mr = (_composite(folder, name) for name in ("mr_to_ct.h5", "ct_to_mr.h5"))
        result = StoredResult(
            mr_to_ct=mr_to_ct,
            ct_to_mr=ct_to_mr,
            poses=_poses(folder),
            flags={int(row["number"]): str(row["flag"]) for row in quality.get("vertebrae", [])},
            verdict=str(quality.get("verdict", "")),
            ct_in_mr=_on_source(folder, "ct_in_mr.nrrd", mr),
            mr_in_ct=_on_source(folder, "mr_in_ct.nrrd", ct),
            vertebrae_in_mr=_on_source(folder, "vertebrae_in_mr.nrrd", mr),
        )
        _check_voxels(folder, ct, result.ct_in_mr, mr_to_ct)
        _check_voxels(folder, mr, result.mr_in_ct, ct_to_mr)
    return result


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _incomplete(folder, name) from error
    if not isinstance(content, dict):
        raise _incomplete(folder, name)
    return content


def _incomplete(folder: Path, name: str) -> InputError:
    return InputError(
        f"The result '{folder}' has no usable {name}; give a folder that `spine-ctmr register` has written."
    )


def _composite(folder: Path, name: str) -> sitk.CompositeTransform:
    try:
        transform = sitk.CompositeTransform(sitk.ReadTransform(str(folder / name)))
    except RuntimeError as error:
        raise _incomplete(folder, name) from error
    kinds = {transform.GetNthTransform(i).GetName() for i in range(transform.GetNumberOfTransforms())}
    if kinds != {"Euler3DTransform", "DisplacementFieldTransform"}:
        raise _incomplete(folder, name)
    return transform


def _poses(folder: Path) -> dict[int, rigid.Rigid]:
    poses = {}
    for path in (folder / "vertebrae").glob("*.tfm"):
        number = vertebra_number(path.stem)
        if number is None:
            raise _incomplete(folder, f"vertebrae/{path.name}")
        try:
            poses[number] = matrix_of(sitk.ReadTransform(str(path)))
        except RuntimeError as error:
            raise _incomplete(folder, f"vertebrae/{path.name}") from error
    if not poses:
        raise _incomplete(folder, "vertebrae/*.tfm")
    return {number: poses[number] for number in cranial_to_caudal(poses)}


def _on_source(folder: Path, name: str, source: Source) -> sitk.Image:
    """A stored image with its voxels in the order of the series, which a file format may have changed."""
    try:
        image = sitk.ReadImage(str(folder / name))
    except RuntimeError as error:
        raise _incomplete(folder, name) from error
    grid = source.grid
    if Grid.of(image).same_as(grid):
        return grid.image(sitk.GetArrayFromImage(image))
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
    fresh = sitk.GetArrayFromImage(again)
    stored = sitk.GetArrayViewFromImage(warped)[::CHECK_STRIDE, ::CHECK_STRIDE, ::CHECK_STRIDE]
    known = np.isfinite(fresh)
    differs = np.abs(fresh[known] - stored[known]) > LARGEST_DIFFERENCE
    if known.any() and differs.mean() > SHARE_OF_STRANGERS:
        raise InputError(
            f"The result '{folder}' was not made from the {source.modality} '{source.folder}' (their voxel "
            "values differ); give the series that was registered."
        )
