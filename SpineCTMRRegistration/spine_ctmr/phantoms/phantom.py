"""A phantom patient: CT and MR on scanner grids, rendered from moved anatomy, with known truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ..deformation.deformation import Deformation
from ..deformation.options import DeformationOptions
from ..geometry.boxes import spine_box
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from ..imaging.case import Case, Centroids
from ..imaging.hounsfield import STORED_HU
from ..progress import Progress, silent, span
from .anatomy import Anatomy, make_anatomy
from .augmentation import bias_field
from .metal_streaks import add_streaks
from .motion import STAGE, MotionOptions, random_poses, true_deformation
from .rendering import contrast_table, render
from .tissue import ct_contrast, mr_contrast

LUMBAR = (20, 21, 22, 23, 24)
_SAGITTAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Sagittal slices as scanners store them: rows to posterior, columns to caudal, slices to the left."""


@dataclass(frozen=True)
class PhantomOptions:
    """What kind of patient and scans to make.

    Attributes:
        levels: VerSe numbers, cranial to caudal.
        sequence: "T1", "T2", "STIR" or "GRE".
        mr_spacing_mm: in-plane and slice spacing of the sagittal MR.
        ct_spacing_mm: in-plane and slice spacing of the axial CT.
        margin_mm: how far both scans extend beyond the bone.
        tilt_deg: obliquity of the MR's axes.
        mr_noise: standard deviation of the MR noise relative to fat.
        ct_noise_hu: standard deviation of the CT noise.
        motion: how far things move.
        truth_spacing_mm: spacing of the grid that holds the true motion; bones are rigid on any.
    """

    levels: tuple[int, ...] = LUMBAR
    sequence: str = "T1"
    mr_spacing_mm: tuple[float, float] = (1.0, 1.0)
    ct_spacing_mm: tuple[float, float] = (0.8, 1.0)
    margin_mm: float = 32.0
    tilt_deg: float = 4.0
    mr_noise: float = 0.03
    ct_noise_hu: float = 20.0
    motion: MotionOptions = field(default_factory=MotionOptions)
    truth_spacing_mm: float = 1.0


@dataclass(frozen=True)
class Phantom:
    """A phantom and its truth.

    Attributes:
        case: CT, MR, CT labels and true MR body centres.
        poses: true CT→MR poses in LPS mm.
        deformation: the true deformation.
        anatomy: what was rendered.
    """

    case: Case
    poses: dict[int, Pose]
    deformation: Deformation
    anatomy: Anatomy

    def mr_to_ct_points(self, points: NDArray[Any]) -> NDArray[Any]:
        """The true places (n, 3) in the CT of LPS points (n, 3) of the MR."""
        return _TrueMap(self.deformation)(torch.tensor(points, dtype=torch.float32)).numpy().astype(float)


def make_phantom(seed: int, options: PhantomOptions | None = None, progress: Progress = silent) -> Phantom:
    """Phantom number `seed`: a pure function of its arguments."""
    options = options or PhantomOptions()
    rng = np.random.default_rng([9000, seed])
    anatomy = make_anatomy(rng, options.levels)
    poses = random_poses(rng, anatomy, options.motion)
    progress(STAGE, 0.0)
    bones = np.concatenate([_outline(anatomy, i) for i in range(len(anatomy.vertebrae))])
    moved = np.concatenate([poses[n].apply(_outline(anatomy, i)) for i, n in enumerate(anatomy.numbers)])
    truth = DeformationOptions(
        spacing_mm=options.truth_spacing_mm, reach_mm=38.0, weight_power=2.6, steps=4, stride=2
    )
    box = spine_box(moved, truth.spacing_mm, truth.reach_mm + 8, np.eye(3), truth.stride)
    moving = span(progress, 0.0, 0.35)
    deformation, _ = true_deformation(rng, anatomy, poses, box, options.motion, truth, moving)
    ct, labels = _scan_ct(rng, anatomy, bones, options, span(progress, 0.35, 0.65))
    mr = _scan_mr(rng, anatomy, deformation, moved, options, span(progress, 0.65, 1.0))
    centers: Centroids = {n: poses[n].apply(c) for n, c in zip(anatomy.numbers, anatomy.centers, strict=True)}
    return Phantom(Case(ct, mr, labels, mr_centroids=centers), poses, deformation, anatomy)


def _outline(anatomy: Anatomy, index: int) -> NDArray[Any]:
    """LPS points (8, 3) around one vertebra."""
    shape = anatomy.vertebrae[index]
    side, front = shape.half_span + 3, -shape.depth / 2 - 2
    back = shape.depth / 2 + 2 * shape.canal_radius + shape.spinous
    corners = [(x, y, z * shape.height / 2) for x in (-side, side) for y in (front, back) for z in (-1, 1)]
    return anatomy.frames[index].apply(corners)


def _scan_ct(
    rng: np.random.Generator,
    anatomy: Anatomy,
    bones: NDArray[Any],
    options: PhantomOptions,
    progress: Progress,
) -> tuple[sitk.Image, sitk.Image]:
    inplane, thickness = options.ct_spacing_mm
    grid = Grid.around(bones, (inplane, inplane, thickness), options.margin_mm)
    table = contrast_table([ct_contrast(rng)])
    volume, labels = _scan(anatomy, grid, table, _same_place, progress, "Scanning the phantom's CT")
    volume = add_streaks(rng, volume, inplane)
    noise = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 0.5)
    volume += noise * (options.ct_noise_hu / float(noise.std()))
    return grid.image(volume.round().clip(*STORED_HU).astype(np.int16)), grid.image(labels)


def _scan_mr(
    rng: np.random.Generator,
    anatomy: Anatomy,
    deformation: Deformation,
    moved: NDArray[Any],
    options: PhantomOptions,
    progress: Progress,
) -> sitk.Image:
    inplane, thickness = options.mr_spacing_mm
    tilt = Pose.from_rotation(np.radians(rng.normal(0, options.tilt_deg, 3)), np.zeros(3)).rotation
    grid = Grid.around(moved, (inplane, inplane, thickness), options.margin_mm, tilt @ _SAGITTAL)
    table = contrast_table([mr_contrast(rng, options.sequence)])
    mr_to_ct = _TrueMap(deformation)
    volume, _ = _scan(anatomy, grid, table, mr_to_ct, progress, "Scanning the phantom's MR")
    volume *= bias_field(rng, volume.shape)
    noise = rng.standard_normal((2, *grid.shape), dtype=np.float32) * options.mr_noise
    volume = np.hypot(volume + noise[0], noise[1])
    return grid.image((volume * 600).round().astype(np.int16))


def _scan(
    anatomy: Anatomy,
    grid: Grid,
    table: torch.Tensor,
    to_ct: Callable[[torch.Tensor], torch.Tensor],
    progress: Progress,
    stage: str,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values averaged over the thickness of each slice, and vertebra numbers; both (z, y, x)."""
    softness = max(grid.spacing_mm[0], 0.8)
    normal = torch.tensor(grid.axes[:, 2], dtype=torch.float32)
    volume, labels = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.uint8)
    offsets = _profile(grid.spacing_mm[2])
    for k in range(grid.shape[0]):
        points = _slice_points(grid, k)
        parts = [render(anatomy, to_ct(points + o * normal), table, softness) for o in offsets]
        values = torch.stack([v[:, 0] for v, _ in parts]).mean(0)
        volume[k] = values.reshape(grid.shape[1:]).numpy()
        labels[k] = parts[len(parts) // 2][1].reshape(grid.shape[1:]).numpy()
        progress(stage, (k + 1) / grid.shape[0])
    return volume, labels


def _same_place(points: torch.Tensor) -> torch.Tensor:
    return points


def _profile(thickness_mm: float) -> list[float]:
    """Offsets in mm, an odd number of them, at which a slice of that thickness is sampled."""
    count = 2 * round((thickness_mm - 0.5) / 2) + 1
    return [((i + 0.5) / count - 0.5) * thickness_mm for i in range(count)]


def _slice_points(grid: Grid, k: int) -> torch.Tensor:
    """LPS points (n, 3) of slice k."""
    y, x = np.meshgrid(np.arange(grid.size[1]), np.arange(grid.size[0]), indexing="ij")
    indices = np.stack([x, y, np.full_like(x, k)], -1).reshape(-1, 3)
    return torch.tensor(grid.to_points(indices), dtype=torch.float32)


class _TrueMap:
    """`mr_to_ct` of a deformation for many points at once."""

    def __init__(self, deformation: Deformation) -> None:
        self.deformation = deformation
        self.field = torch.tensor(deformation.mr_to_ct_field)

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        box = self.deformation.box
        local = (points - torch.tensor(box.origin_mm, dtype=torch.float32)) @ torch.tensor(
            box.axes, dtype=torch.float32
        )
        moved = points + sample_field(self.field, local, box.spacing_mm[0])
        back = torch.tensor(self.deformation.global_rigid.inverse.matrix, dtype=torch.float64)
        return (moved.double() @ back[:3, :3].T + back[:3, 3]).float()
