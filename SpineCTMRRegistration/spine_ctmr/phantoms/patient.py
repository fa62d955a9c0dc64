"""Training pairs of synthetic patients: rendered CT and MR, and the displacement that is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..deformation.inversion import invert_displacement
from ..deformation.options import DeformationOptions
from ..geometry.boxes import node_coordinates
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from ..imaging.hounsfield import STORED_HU
from .anatomy import Anatomy, make_anatomy
from .metal_streaks import add_streaks
from .motion import MotionOptions, global_of, random_poses, true_deformation
from .rendering import contrast_table, render
from .tissue import SEQUENCES, ct_contrast, mr_contrast
from .vertebra import SACRUM, T13, typical_sizes

EDITION = 3
"""Counts the changes that give other patients for the same seed; banks of two editions do not mix."""
LEVELS = (*range(1, 25), SACRUM)
_MIDDLES = (*[24] * 4, *[23] * 4, *[22] * 4, *[21] * 3, 20, 19, 17, 15, 13, 11, 9, 6, 4)
"""Levels in the middle of the pairs: mostly lumbar."""
_PAD = 8
Anatomies = Callable[[np.random.Generator, float], tuple[Anatomy, int]]


@dataclass(frozen=True)
class Pair:
    """One synthetic pair on a common grid in the MR frame, the CT brought there by its start.

    Attributes:
        ct: (z, y, x) HU.
        mr: (k, z, y, x) relative signal, one volume for each sequence in `SEQUENCES`.
        displacement: (z, y, x, 3) mm along the grid axes: MR voxel → its place in `ct`.
        bone: (z, y, x) vertebra numbers in the MR frame.
        ct_labels: (z, y, x) vertebra numbers in the frame of `ct`.
        spacing_mm: voxel spacing.
    """

    ct: NDArray[Any]
    mr: NDArray[Any]
    displacement: NDArray[Any]
    bone: NDArray[Any]
    ct_labels: NDArray[Any]
    spacing_mm: float


def random_levels(rng: np.random.Generator, reach_mm: float) -> tuple[tuple[int, ...], int]:
    """A run of neighbouring levels, as scanned spines are, and the index of the one in the middle.

    The run goes on for `reach_mm` above and below the middle, as far as there are vertebrae. Some
    patients have six lumbar vertebrae, some thirteen thoracic ones.
    """
    chain = list(LEVELS)
    variant = rng.uniform()
    if variant < 0.1:
        chain.insert(chain.index(24) + 1, 25)
    elif variant < 0.13:
        chain.insert(chain.index(19) + 1, T13)
    middle = chain.index(int(rng.choice(_MIDDLES)))
    heights = [typical_sizes(n)[2] + typical_sizes(n)[3] for n in chain]
    first, last = middle, middle
    while first > 0 and sum(heights[first:middle]) < reach_mm:
        first -= 1
    while last < len(chain) - 1 and sum(heights[middle:last]) < reach_mm:
        last += 1
    return tuple(chain[first : last + 1]), middle - first


def parametric_anatomy(rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
    """A random patient, and the index of the vertebra in the middle of the pair."""
    levels, middle = random_levels(rng, reach_mm)
    return make_anatomy(rng, levels), middle


def make_pair(
    seed: int,
    index: int,
    size: tuple[int, int, int],
    spacing_mm: float,
    anatomies: Anatomies = parametric_anatomy,
) -> Pair:
    """The pair number `index` of the patients of `seed`: a pure function of its arguments.

    Args:
        seed: of the patients.
        index: number of the patient.
        size: voxels (x, y, z).
        spacing_mm: of the isotropic grid.
        anatomies: gives a patient with the vertebrae within a reach in mm of the one in the middle.
    """
    rng = np.random.default_rng([seed, index])
    anatomy, middle = anatomies(rng, 0.5 * size[2] * spacing_mm + 30)
    motion = MotionOptions(soft_mm=float(rng.uniform(3, 10)), soft_length_mm=float(rng.uniform(10, 24)))
    poses = random_poses(rng, anatomy, motion)
    options = DeformationOptions(
        spacing_mm=spacing_mm,
        reach_mm=float(rng.uniform(25, 45)),
        weight_power=float(rng.uniform(1.5, 3)),
        steps=4,
        stride=2,
    )
    global_rigid = global_of(poses, anatomy)
    center = global_rigid.apply(anatomy.centers[middle] + [0, 12, 0]) + rng.uniform(-8, 8, 3)
    box = _padded_box(center, size, spacing_mm)
    deformation, soft = true_deformation(rng, anatomy, poses, box, motion, options)
    back = torch.tensor(deformation.mr_to_ct_field, dtype=torch.float32)
    return _render_pair(rng, anatomy, global_rigid, box, back, soft, size)


def _padded_box(center: NDArray[Any], size: tuple[int, int, int], spacing_mm: float) -> Grid:
    """The pair's grid with a border where the motion fades out, cropped away afterwards."""
    full = np.array(size) + 2 * _PAD + 1
    origin = center - (full - 1) / 2 * spacing_mm
    x, y, z = (float(v) for v in origin)
    return Grid((int(full[0]), int(full[1]), int(full[2])), (spacing_mm,) * 3, (x, y, z))


def _render_pair(
    rng: np.random.Generator,
    anatomy: Anatomy,
    global_rigid: Pose,
    box: Grid,
    back: torch.Tensor,
    soft: torch.Tensor,
    size: tuple[int, int, int],
) -> Pair:
    inner = (slice(_PAD, -_PAD - 1),) * 3
    fixed = torch.tensor(box.points(), dtype=torch.float32)[inner]
    spacing = box.spacing_mm[0]
    undo = global_rigid.inverse
    true_ct = _move(undo, fixed + back[inner])
    if rng.uniform() < 0.4:
        displacement = soft[inner]
        unsoft = invert_displacement(soft, box, stride=1)
        before = sample_field(back, node_coordinates(box) + unsoft, spacing)
        start_ct = _move(undo, fixed + (unsoft + before)[inner])
    else:
        error = _start_error(rng, box.center_mm) @ global_rigid
        displacement = _move(error, true_ct) - fixed
        start_ct = _move(error.inverse, fixed)
    ct_table = contrast_table([ct_contrast(rng)])
    mr_table = contrast_table([mr_contrast(rng, s) for s in SEQUENCES])
    shape = fixed.shape[:3]
    ct, ct_labels = render(anatomy, start_ct.reshape(-1, 3), ct_table, spacing)
    mr, bone = render(anatomy, true_ct.reshape(-1, 3), mr_table, spacing)
    return Pair(
        ct=add_streaks(rng, ct[:, 0].reshape(shape).numpy(), spacing).clip(*STORED_HU),
        mr=mr.T.reshape(-1, *shape).numpy(),
        displacement=displacement.numpy(),
        bone=bone.reshape(shape).numpy(),
        ct_labels=ct_labels.reshape(shape).numpy(),
        spacing_mm=spacing,
    )


def _move(motion: Pose, points: torch.Tensor) -> torch.Tensor:
    m = torch.tensor(motion.matrix, dtype=torch.float64)
    return (points.double() @ m[:3, :3].T + m[:3, 3]).float()


def _start_error(rng: np.random.Generator, center: NDArray[Any]) -> Pose:
    """Error of a rigid start from centroids: mostly small, sometimes up to 15 mm and 10 degrees."""
    size = float(rng.choice([1.5, 4.0, 8.0], p=[0.4, 0.35, 0.25]))
    shift = np.clip(rng.normal(0, size / 1.7, 3), -15, 15)
    turn = np.clip(rng.normal(0, 0.5 * size, 3), -10, 10)
    return Pose.from_rotation(np.radians(turn), shift, center)
