"""What every method of the benchmark is given: the same images, the same start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ....alignment.start import find_start
from ....geometry.grid import Grid
from ....geometry.pose import Pose
from ....imaging.case import Case
from ....imaging.hounsfield import AIR_HU

SPACING_MM = 1.0
MULTIPLE = 12
"""Voxels along every axis are a multiple of this, so that coarse grids of all methods fit without a rest."""


@dataclass(frozen=True)
class Problem:
    """One patient to register.

    Attributes:
        case: the images as they were scanned.
        start: CT→MR motion from which every method starts.
        fixed: MR, float32, on an isotropic grid along the LPS axes around the moved bones.
        moving: CT in HU, float32, moved by the start, on the same grid.
        labels: CT vertebra labels, uint8, moved by the start, on the same grid.
    """

    case: Case
    start: Pose
    fixed: sitk.Image
    moving: sitk.Image
    labels: sitk.Image

    @property
    def grid(self) -> Grid:
        """The grid of `fixed`, `moving` and `labels`."""
        return Grid.of(self.fixed)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Where `fixed` is the MR (z, y, x); elsewhere it is 0, which no method is to take for tissue."""
        return Grid.of(self.case.mr).covers(self.grid)

    def transform(self, displacement: NDArray[Any]) -> sitk.CompositeTransform:
        """`mr_to_ct` of a displacement (z, y, x, 3) in LPS mm from `fixed` to `moving`."""
        field = sitk.DisplacementFieldTransform(self.grid.image(displacement.astype(np.float64)))
        return self.after_start(field)

    def after_start(self, transform: sitk.Transform) -> sitk.CompositeTransform:
        """`mr_to_ct` of a transform from `fixed` to `moving`; flat, because ITK writes no nested ones."""
        whole = sitk.CompositeTransform([self.start.inverse.to_sitk(), transform])
        whole.FlattenTransform()
        return whole


def make_problem(case: Case, margin_mm: float, spacing_mm: float = SPACING_MM) -> Problem:
    """The problem of a case.

    Args:
        case: with MR centres or MR labels, from which the start is found.
        margin_mm: how far the grid extends beyond the moved bones.
        spacing_mm: of the grid.

    Raises:
        InputError: CT and MR have no vertebra in common.
    """
    start = find_start(case).global_rigid
    corners = start.apply(_bone_corners(case.vertebrae))
    tight = Grid.around(corners, spacing_mm, margin_mm)
    grid = tight.crop((0, 0, 0), -(-np.array(tight.size) // MULTIPLE) * MULTIPLE)
    back = start.inverse.to_sitk()
    return Problem(
        case=case,
        start=start,
        fixed=_on_grid(case.mr, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32),
        moving=_on_grid(case.ct, grid, back, sitk.sitkLinear, AIR_HU, sitk.sitkFloat32),
        labels=_on_grid(case.vertebrae, grid, back, sitk.sitkNearestNeighbor, 0.0, sitk.sitkUInt8),
    )


def write_problem(problem: Problem, folder: Path) -> None:
    """Write a problem for `read_problem` into an existing folder."""
    for name in ("ct", "mr", "vertebrae"):
        sitk.WriteImage(getattr(problem.case, name), str(folder / f"case_{name}.nrrd"))
    for name in ("fixed", "moving", "labels"):
        sitk.WriteImage(getattr(problem, name), str(folder / f"{name}.nrrd"))
    if problem.case.mr_vertebrae is not None:
        sitk.WriteImage(problem.case.mr_vertebrae, str(folder / "case_mr_vertebrae.nrrd"))
    centers = problem.case.mr_centroids
    values = {
        "start": problem.start.matrix.tolist(),
        "mr_centroids": None if centers is None else {str(n): list(c) for n, c in centers.items()},
    }
    (folder / "problem.json").write_text(json.dumps(values), encoding="utf-8")


def read_problem(folder: Path) -> Problem:
    """The problem that `write_problem` wrote."""
    values = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    images = {path.stem: sitk.ReadImage(str(path)) for path in folder.glob("*.nrrd")}
    centers = values["mr_centroids"]
    case = Case(
        ct=images["case_ct"],
        mr=images["case_mr"],
        vertebrae=images["case_vertebrae"],
        mr_centroids=None if centers is None else {int(n): np.array(c) for n, c in centers.items()},
        mr_vertebrae=images.get("case_mr_vertebrae"),
    )
    start = Pose(values["start"])
    return Problem(case, start, images["fixed"], images["moving"], images["labels"])


def _bone_corners(labels: sitk.Image) -> NDArray[Any]:
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(labels > 0)
    box = statistics.GetBoundingBox(1)
    return Grid.of(labels).crop(box[:3], box[3:]).corners()


def _on_grid(
    image: sitk.Image, grid: Grid, transform: sitk.Transform, interpolator: int, outside: float, pixel: int
) -> sitk.Image:
    return sitk.Resample(image, grid.empty(), transform, interpolator, outside, pixel)
