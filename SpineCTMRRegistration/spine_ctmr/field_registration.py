"""Register by a displacement alone, such as a network's own: nothing is refined, no vertebra kept rigid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Protocol

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from .alignment.start import Start, find_start
from .deformation.own_field import deformation_of_field
from .geometry.boxes import spine_box
from .geometry.grid import Grid
from .geometry.pose import Pose
from .imaging.case import Case
from .imaging.label_voxels import bone_corners, bone_points
from .imaging.resampling import case_on_grid, on_grid
from .network.affine_start import affine_by_information, displacement_after
from .network.integration import warp
from .network.prediction import LEAST_POINTS, MARGIN_MM, carried, predict_displacement
from .network.runtime import LoadedNetwork
from .options import FIELD_RESOLUTION_MM, RegistrationOptions
from .process.device import Processor
from .progress import Progress, span
from .registration_result import FoundPoses, OwnField, RegistrationResult
from .vertebrae.refinement import RefinementOptions, Stage, VertebraPose, refine_poses
from .vertebrae.spine_match import SpineMatch, match_spine

AS_THEY_ARE = RefinementOptions((Stage(1, 4000, 0, 1, 1),))
"""Looks at poses without moving them."""


@dataclass(frozen=True)
class View:
    """A case on one grid of the MR frame, the CT moved by the rigid start; arrays (z, y, x).

    Attributes:
        grid: isotropic, along LPS.
        mr: as it is, 0 outside its field of view.
        ct: HU, air outside its field of view.
        ct_labels: VerSe numbers.
        mr_labels: likewise, where the case has them.
        seen: whether both images show the place.
    """

    grid: Grid
    mr: NDArray[Any]
    ct: NDArray[Any]
    ct_labels: NDArray[Any]
    mr_labels: NDArray[Any] | None
    seen: NDArray[np.bool_]


class FieldFinder(Protocol):
    """What finds a displacement."""

    @property
    def origin(self) -> str:
        """What the displacement is, in words."""
        ...

    @property
    def spacing_mm(self) -> float:
        """Of the grid on which it looks at a case."""
        ...

    @property
    def network(self) -> LoadedNetwork | None:
        """Where it begins, if it begins with one."""
        ...

    def find(self, view: View, progress: Progress) -> torch.Tensor:
        """`mr_to_ct` after the rigid start less the identity, (z, y, x, 3) LPS mm on the view's grid."""
        ...


class NetworkField:
    """The displacement that a network gives in one look at the rigid start.

    A network that learned from affinely registered pairs sees them so here, too, and both motions are
    composed.

    Raises:
        InputError: the network was not made for a CT and an MR.
    """

    def __init__(self, network: LoadedNetwork) -> None:
        card = network.card
        card.require_ct_and_mr()
        self.network, self.spacing_mm, self.affine = network, card.spacing_mm, card.learned_affinely
        first = "an affine registration by mutual information and " if self.affine else ""
        self.origin = f"{first}the displacement of the network {card.name} alone"

    def find(self, view: View, progress: Progress) -> torch.Tensor:
        """See `FieldFinder`."""
        progress("network", 0.0)
        if not self.affine:
            return predict_displacement(self.network, view.mr, view.ct)
        matrix = affine_by_information(view.mr, view.ct, self.spacing_mm, view.seen)
        ct = torch.from_numpy(np.asarray(view.ct, np.float32))[None, None]
        still = torch.zeros(1, 3, *ct.shape[2:])
        moved = warp(ct, displacement_after(matrix, still, self.spacing_mm), self.spacing_mm)
        local = predict_displacement(self.network, view.mr, moved[0, 0].numpy())
        both = displacement_after(matrix, local.permute(3, 0, 1, 2)[None], self.spacing_mm)
        return both[0].permute(1, 2, 3, 0).contiguous()


def register_by_field(
    case: Case,
    options: RegistrationOptions,
    finder: FieldFinder,
    progress: Progress,
    notes: list[str],
    processor: Processor,
) -> RegistrationResult:
    """Make a displacement the result, and judge it as any other.

    Every vertebra's pose is the rigid motion nearest to the displacement in its bone.

    Args:
        case: checked inputs.
        options: what the user chose.
        finder: of the displacement.
        progress: told the stage and the share done.
        notes: what a user should know is appended here.
        processor: where the vertebrae are judged.

    Raises:
        InputError: the case cannot be registered.
    """
    progress("alignment", 0.0)
    start = find_start(case)
    corners = bone_corners(case.vertebrae)
    view = _view(case, start, np.concatenate(list(corners.values())), finder.spacing_mm)
    displacement = finder.find(view, span(progress, 0.1, 0.6))
    points = bone_points(case.vertebrae, corners, finder.spacing_mm)
    poses, bent_mm = _nearest_poses(displacement, view.grid, points, start.global_rigid)
    progress("vertebrae", 0.6)
    match = _unrefined(case, replace(start, motions=poses), start, processor)
    found = FoundPoses(start, finder.network, {}, match.judged(), match.shift)
    progress("deformation", 0.8)
    deformation = deformation_of_field(
        displacement, view.grid, poses, start.global_rigid, FIELD_RESOLUTION_MM
    )
    own = OwnField(finder.origin, bent_mm)
    progress("deformation", 1.0)
    return RegistrationResult(case, options, found, deformation, [*notes, own.note], {}, own)


def _view(case: Case, start: Start, corners: NDArray[Any], spacing_mm: float) -> View:
    moved = start.global_rigid
    grid = spine_box(moved.apply(corners), spacing_mm, MARGIN_MM, np.eye(3))
    to_ct = moved.inverse.to_sitk()
    mr, ct = case_on_grid(case, grid, to_ct)

    def labels(image: sitk.Image, transform: sitk.Transform) -> NDArray[Any]:
        return on_grid(image, grid, transform, 0.0, sitk.sitkNearestNeighbor).astype(np.uint8)

    return View(
        grid,
        mr,
        ct,
        labels(case.vertebrae, to_ct),
        None if case.mr_vertebrae is None else labels(case.mr_vertebrae, sitk.Transform()),
        Grid.of(case.mr).covers(grid) & Grid.of(case.ct).covers(grid, moved.inverse),
    )


def _nearest_poses(
    displacement: torch.Tensor, grid: Grid, bones: Mapping[int, NDArray[Any]], global_rigid: Pose
) -> tuple[dict[int, Pose], dict[int, float]]:
    """CT→MR pose of every vertebra, and how far its points move otherwise, RMS in mm."""
    poses, bent_mm = {}, {}
    for number, points in bones.items():
        poses[number] = global_rigid
        if len(points) >= LEAST_POINTS:
            moved = carried(displacement, grid, points, global_rigid, global_rigid)
            poses[number] = Pose.fit(points, moved)
            apart = poses[number].apply(points) - moved
            bent_mm[number] = float(np.sqrt(np.mean(np.sum(apart**2, -1))))
    return poses, bent_mm


def _unrefined(case: Case, placed: Start, start: Start, processor: Processor) -> SpineMatch:
    """The vertebrae where they were placed, with how well the images agree there and at the start.

    How far a pose may be off is that of an optimum, which these are not: it is not known.
    """
    match = match_spine(case, placed, [], AS_THEY_ARE, processor)
    before = refine_poses(match.place, [dict.fromkeys(placed.motions, start.global_rigid)], AS_THEY_ARE)
    vertebrae: dict[int, VertebraPose] = {
        n: replace(v, residual_before=before[n].residual_after, uncertainty_mm=nan, uncertainty_deg=nan)
        for n, v in match.vertebrae.items()
    }
    return replace(match, vertebrae=vertebrae)
