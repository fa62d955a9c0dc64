"""Where the voxels of a synthetic pair come from: by elastic mechanics, or by a blend of bone motions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..deformation.inversion import invert_displacement
from ..deformation.options import DeformationOptions
from ..geometry.boxes import node_coordinates
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from .anatomy import Anatomy
from .mechanics.posture import PostureOptions, random_posture
from .motion import MotionOptions, global_of, random_poses, true_deformation
from .patient_sources import Anatomies

if TYPE_CHECKING:
    from .mechanics.tissue import Tissue

POSTURES = 4
"""Pairs in a row that show one patient: the tissue is prepared once for all of them."""
_PAD, _BORDER_MM = 8, 26.0
_MESH_MM = 4.0
Size = tuple[int, int, int]


@dataclass(frozen=True)
class PairMotion:
    """Places of the voxels of a pair's grid; all (z, y, x, 3) mm.

    Attributes:
        anatomy: the patient.
        true_ct: the place in the CT (LPS) that shows what the MR shows here.
        start_ct: the place in the CT (LPS) that the CT shows here after its start.
        displacement: along the grid's axes, MR voxel → its place in the CT after its start.
    """

    anatomy: Anatomy
    true_ct: torch.Tensor
    start_ct: torch.Tensor
    displacement: torch.Tensor


def first_pair(patient: int) -> int:
    """The number of the first of the pairs that show a patient."""
    return POSTURES * patient


def elastic_motion(
    rng: np.random.Generator,
    seed: int,
    index: int,
    size: Size,
    spacing_mm: float,
    anatomies: Anatomies,
    found: bool = False,
) -> PairMotion:
    """A posture of patient `index // POSTURES`, whose tissue moves as an elastic solid.

    The start is rigid and wrong, or that of a registration that has `found` the bones.
    """
    from .mechanics.elastic_motion import ElasticMotion

    anatomy, middle, tissue = _prepared(seed, index // POSTURES, size, spacing_mm, anatomies)
    poses = random_posture(
        rng, anatomy, PostureOptions(bend=float(rng.choice([0, -0.35, 0.35], p=[0.6, 0.2, 0.2])))
    )
    global_rigid = global_of(poses, anatomy)
    motion = ElasticMotion.of(
        tissue, poses, global_rigid, tissue.organ_motion(rng, float(rng.uniform(2, 10)))
    )
    box = _padded_box(_center(rng, anatomy, middle, global_rigid), size, spacing_mm)
    points = box.points()[_INNER]
    true = motion.mr_to_ct(points.reshape(-1, 3)).reshape(points.shape)
    fixed, true_ct = (torch.tensor(a, dtype=torch.float32) for a in (points, true))
    if found:
        return _from_bones(rng, anatomy, poses, box, fixed, true_ct)
    return _from_rigid(rng, anatomy, box, fixed, true_ct, global_rigid)


def blended_motion(
    rng: np.random.Generator, size: Size, spacing_mm: float, anatomies: Anatomies
) -> PairMotion:
    """A patient whose tissue follows the bones by the registration's own blend, with a random part beside.

    The start is rigid and wrong, or, four times of ten, lacks the random part alone.
    """
    anatomy, middle = anatomies(rng, _reach_mm(size, spacing_mm))
    motion = MotionOptions(soft_mm=float(rng.uniform(3, 10)), soft_length_mm=float(rng.uniform(10, 24)))
    poses = random_poses(rng, anatomy, motion)
    global_rigid = global_of(poses, anatomy)
    box = _padded_box(_center(rng, anatomy, middle, global_rigid), size, spacing_mm)
    deformation, soft = true_deformation(rng, anatomy, poses, box, motion, _blend(rng, spacing_mm))
    back = torch.tensor(deformation.mr_to_ct_field, dtype=torch.float32)
    fixed = torch.tensor(box.points(), dtype=torch.float32)[_INNER]
    undo = global_rigid.inverse
    true_ct = _move(undo, fixed + back[_INNER])
    if rng.uniform() < 0.4:
        unsoft = invert_displacement(soft, box, stride=1)
        before = sample_field(back, node_coordinates(box) + unsoft, spacing_mm)
        start_ct = _move(undo, fixed + (unsoft + before)[_INNER])
        return PairMotion(anatomy, true_ct, start_ct, soft[_INNER])
    return _from_rigid(rng, anatomy, box, fixed, true_ct, global_rigid)


_INNER = (slice(_PAD, -_PAD - 1),) * 3


@lru_cache(maxsize=1)
def _prepared(
    seed: int, number: int, size: Size, spacing_mm: float, anatomies: Anatomies
) -> tuple[Anatomy, int, Tissue]:
    """Patient `number`, the index of the vertebra in the middle of the pair, and the tissue around it."""
    from .mechanics.tissue import Tissue

    anatomy, middle = anatomies(np.random.default_rng([seed, number, 1]), _reach_mm(size, spacing_mm))
    half = np.array(size) * spacing_mm / 2 + _BORDER_MM
    center = anatomy.centers[middle] + [0, 12, 0]
    tissue = Tissue.prepared(anatomy, (center - half, center + half), _MESH_MM, open_ends=True)
    return anatomy, middle, tissue


def _reach_mm(size: Size, spacing_mm: float) -> float:
    return 0.5 * size[2] * spacing_mm + 30


def _center(rng: np.random.Generator, anatomy: Anatomy, middle: int, global_rigid: Pose) -> NDArray[Any]:
    return global_rigid.apply(anatomy.centers[middle] + [0, 12, 0]) + rng.uniform(-8, 8, 3)


def _padded_box(center: NDArray[Any], size: Size, spacing_mm: float) -> Grid:
    """The pair's grid with a border where the motion fades out, cropped away afterwards."""
    full = np.array(size) + 2 * _PAD + 1
    origin = center - (full - 1) / 2 * spacing_mm
    x, y, z = (float(v) for v in origin)
    return Grid((int(full[0]), int(full[1]), int(full[2])), (spacing_mm,) * 3, (x, y, z))


def _blend(rng: np.random.Generator, spacing_mm: float) -> DeformationOptions:
    return DeformationOptions(
        spacing_mm=spacing_mm,
        close_mm=0.0,
        reach_mm=float(rng.uniform(25, 45)),
        weight_power=float(rng.uniform(1.5, 3)),
        steps=4,
        stride=2,
    )


def _from_rigid(
    rng: np.random.Generator,
    anatomy: Anatomy,
    box: Grid,
    fixed: torch.Tensor,
    true_ct: torch.Tensor,
    global_rigid: Pose,
) -> PairMotion:
    """After a rigid start that is wrong."""
    start = _start_error(rng, box.center_mm) @ global_rigid
    return PairMotion(anatomy, true_ct, _move(start.inverse, fixed), _move(start, true_ct) - fixed)


def _from_bones(
    rng: np.random.Generator,
    anatomy: Anatomy,
    poses: dict[int, Pose],
    box: Grid,
    fixed: torch.Tensor,
    true_ct: torch.Tensor,
) -> PairMotion:
    """After a start that has the bones right and spreads their motion into the tissue by the blend."""
    still = MotionOptions(soft_mm=0.0)
    start, _ = true_deformation(rng, anatomy, poses, box, still, _blend(rng, box.spacing_mm[0]))
    back = torch.tensor(start.mr_to_ct_field, dtype=torch.float32)[_INNER]
    forth = torch.tensor(start.ct_to_mr_field, dtype=torch.float32)
    level = _move(start.global_rigid, true_ct)
    local = level - torch.tensor(box.origin_mm, dtype=torch.float32)
    displacement = level + sample_field(forth, local, box.spacing_mm[0]) - fixed
    return PairMotion(anatomy, true_ct, _move(start.global_rigid.inverse, fixed + back), displacement)


def _move(motion: Pose, points: torch.Tensor) -> torch.Tensor:
    m = torch.tensor(motion.matrix, dtype=torch.float64)
    return (points.double() @ m[:3, :3].T + m[:3, 3]).float()


def _start_error(rng: np.random.Generator, center: NDArray[Any]) -> Pose:
    """Error of a rigid start from centroids: mostly small, sometimes up to 15 mm and 10 degrees."""
    size = float(rng.choice([1.5, 4.0, 8.0], p=[0.4, 0.35, 0.25]))
    shift = np.clip(rng.normal(0, size / 1.7, 3), -15, 15)
    turn = np.clip(rng.normal(0, 0.5 * size, 3), -10, 10)
    return Pose.from_rotation(np.radians(turn), shift, center)
