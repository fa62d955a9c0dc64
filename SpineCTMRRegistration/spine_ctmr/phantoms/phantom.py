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

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Case, Centroids
from ..imaging.hounsfield import STORED_HU
from ..progress import Progress, silent, span
from .anatomy import Anatomy, make_anatomy
from .augmentation import bias_field
from .mechanics.posture import PostureOptions
from .metal_streaks import add_streaks
from .motion import MotionOptions
from .mr_physics import ChemicalShift, render_mr
from .phantom_motion import PhantomMotion, PointMap, outlines, random_motion
from .rendering import render_ct
from .tissue import ct_contrast, mr_contrast

Seen = tuple[torch.Tensor, torch.Tensor]
"""Values (n,) and vertebra numbers (n,) at n points."""
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
        chemical_shift: of the MR; its axes are taken for those of the CT.
        motion: how far things move: `PostureOptions` of an elastic patient, `MotionOptions` of a blend.
        truth_spacing_mm: spacing of the grid that holds a blend; bones are rigid on any.
    """

    levels: tuple[int, ...] = LUMBAR
    sequence: str = "T1"
    mr_spacing_mm: tuple[float, float] = (1.0, 1.0)
    ct_spacing_mm: tuple[float, float] = (0.8, 1.0)
    margin_mm: float = 32.0
    tilt_deg: float = 4.0
    mr_noise: float = 0.03
    ct_noise_hu: float = 20.0
    chemical_shift: ChemicalShift = field(default_factory=ChemicalShift)
    motion: MotionOptions | PostureOptions = field(default_factory=MotionOptions)
    truth_spacing_mm: float = 1.0


@dataclass(frozen=True)
class Phantom:
    """A phantom and its truth.

    Attributes:
        case: CT, MR, CT labels and true MR body centres.
        poses: true CT→MR poses in LPS mm.
        mr_to_ct_points: the true places (n, 3) in the CT of LPS points (n, 3) of the MR.
        anatomy: what was rendered.
    """

    case: Case
    poses: dict[int, Pose]
    mr_to_ct_points: PointMap
    anatomy: Anatomy


def make_phantom(
    seed: int,
    options: PhantomOptions | None = None,
    progress: Progress = silent,
    anatomy: Anatomy | None = None,
) -> Phantom:
    """Phantom number `seed`: a pure function of its arguments.

    Args:
        seed: of the patient, the motion and the scans.
        options: what kind of patient and scans to make.
        progress: told the stage and the share done.
        anatomy: a patient, such as a real CT (`scanned_anatomy`), instead of a random one.

    Raises:
        InputError: mechanics are asked for and the packages that they need are missing.
    """
    options = options or PhantomOptions()
    rng = np.random.default_rng([9000, seed])
    anatomy = anatomy or make_anatomy(rng, options.levels)
    moving = span(progress, 0.0, 0.35)
    motion = random_motion(rng, anatomy, options.motion, options.truth_spacing_mm, moving)
    ct, labels = _scan_ct(rng, anatomy, options, span(progress, 0.35, 0.65))
    mr = _scan_mr(rng, anatomy, motion, options, span(progress, 0.65, 1.0))
    centers = zip(anatomy.numbers, anatomy.centers, strict=True)
    landmarks: Centroids = {n: motion.poses[n].apply(c) for n, c in centers}
    return Phantom(Case(ct, mr, labels, mr_centroids=landmarks), motion.poses, motion.mr_to_ct, anatomy)


def _scan_ct(
    rng: np.random.Generator, anatomy: Anatomy, options: PhantomOptions, progress: Progress
) -> tuple[sitk.Image, sitk.Image]:
    inplane, thickness = options.ct_spacing_mm
    grid = Grid.around(outlines(anatomy), (inplane, inplane, thickness), options.margin_mm)
    contrast = ct_contrast(rng)

    def seen(points: NDArray[Any], softness_mm: float) -> Seen:
        return render_ct(anatomy, torch.tensor(points, dtype=torch.float32), contrast, softness_mm)

    volume, labels = _scan(grid, seen, progress, "Scanning the phantom's CT")
    if anatomy.scan is None:
        volume = add_streaks(rng, volume, inplane)
        noise = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 0.5)
        volume += noise * (options.ct_noise_hu / float(noise.std()))
    return grid.image(volume.round().clip(*STORED_HU).astype(np.int16)), grid.image(labels)


def _scan_mr(
    rng: np.random.Generator,
    anatomy: Anatomy,
    motion: PhantomMotion,
    options: PhantomOptions,
    progress: Progress,
) -> sitk.Image:
    inplane, thickness = options.mr_spacing_mm
    tilt = Pose.from_rotation(np.radians(rng.normal(0, options.tilt_deg, 3)), np.zeros(3)).rotation
    moved = outlines(anatomy, motion.poses)
    grid = Grid.around(moved, (inplane, inplane, thickness), options.margin_mm, tilt @ _SAGITTAL)
    signals = [mr_contrast(rng, options.sequence)]

    def seen(points: NDArray[Any], softness_mm: float) -> Seen:
        places = torch.tensor(motion.mr_to_ct(points), dtype=torch.float32)
        values, labels = render_mr(anatomy, places, signals, options.chemical_shift, softness_mm)
        return values[:, 0], labels

    volume, _ = _scan(grid, seen, progress, "Scanning the phantom's MR")
    volume *= bias_field(rng, volume.shape)
    noise = rng.standard_normal((2, *grid.shape), dtype=np.float32) * options.mr_noise
    volume = np.hypot(volume + noise[0], noise[1])
    return grid.image((volume * 600).round().astype(np.int16))


def _scan(
    grid: Grid, seen: Callable[[NDArray[Any], float], Seen], progress: Progress, stage: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values averaged over the thickness of each slice, and vertebra numbers; both (z, y, x)."""
    softness = max(grid.spacing_mm[0], 0.8)
    normal = grid.axes[:, 2]
    volume, labels = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.uint8)
    offsets = _profile(grid.spacing_mm[2])
    for k in range(grid.shape[0]):
        points = _slice_points(grid, k)
        parts = [seen(points + o * normal, softness) for o in offsets]
        values = torch.stack([v for v, _ in parts]).mean(0)
        volume[k] = values.reshape(grid.shape[1:]).numpy()
        labels[k] = parts[len(parts) // 2][1].reshape(grid.shape[1:]).numpy()
        progress(stage, (k + 1) / grid.shape[0])
    return volume, labels


def _profile(thickness_mm: float) -> list[float]:
    """Offsets in mm, an odd number of them, at which a slice of that thickness is sampled."""
    count = 2 * round((thickness_mm - 0.5) / 2) + 1
    return [((i + 0.5) / count - 0.5) * thickness_mm for i in range(count)]


def _slice_points(grid: Grid, k: int) -> NDArray[Any]:
    """LPS points (n, 3) of slice k."""
    y, x = np.meshgrid(np.arange(grid.size[1]), np.arange(grid.size[0]), indexing="ij")
    return grid.to_points(np.stack([x, y, np.full_like(x, k)], -1).reshape(-1, 3))
