"""How a synthetic patient's spine and soft tissue move between CT and MR."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ..deformation.bones import distance_from_bones, make_bones
from ..deformation.deformation import Deformation, bone_motion, build_deformation, compose
from ..deformation.options import DeformationOptions
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.windows import border_ramps, smoothstep
from ..progress import Progress, silent
from .anatomy import Anatomy
from .bone_shape import bounds
from .rendering import bone_labels

STAGE = "Moving the patient"
_BORDER_MM = 12.0
"""Width of the rim of the box in which soft tissue comes to rest."""


@dataclass(frozen=True)
class MotionOptions:
    """Size of the motion between CT and MR.

    Attributes:
        joint_deg: standard deviation of the rotation at each joint about (x, y, z); clipped at 8°.
        bend_deg: rotation of every joint about (x, y, z) beside the random one: another posture.
        joint_mm: standard deviation of the slip at each joint; clipped at 8 mm.
        global_deg: standard deviation of the patient's rotation on the table.
        global_mm: standard deviation of the patient's shift.
        soft_mm: largest displacement of the soft tissue beyond what the bones explain.
        soft_length_mm: smoothness (Gaussian standard deviation) of that displacement.
    """

    joint_deg: tuple[float, float, float] = (2.2, 1.2, 1.2)
    bend_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    joint_mm: float = 0.5
    global_deg: float = 3.0
    global_mm: float = 12.0
    soft_mm: float = 4.0
    soft_length_mm: float = 16.0


def random_poses(rng: np.random.Generator, anatomy: Anatomy, options: MotionOptions) -> dict[int, Pose]:
    """CT→MR poses: a chain of joint motions about the discs, then a global motion.

    Joints that are fused do not move.
    """
    centers = anatomy.centers
    center = centers.mean(0)
    place = Pose.from_rotation(
        rng.normal(0, np.radians(options.global_deg), 3), rng.normal(0, options.global_mm, 3), center
    )
    chain = [Pose.identity()]
    for shape, upper, lower in zip(anatomy.vertebrae, anatomy.frames, anatomy.frames[1:], strict=False):
        joint = (upper.translation_mm + lower.translation_mm) / 2
        turn = np.clip(rng.normal(0, options.joint_deg, 3), -8, 8) + options.bend_deg
        slip = np.clip(rng.normal(0, options.joint_mm, 3), -8, 8)
        moved = Pose.identity() if shape.fused_below else Pose.from_rotation(np.radians(turn), slip, joint)
        chain.append(chain[-1] @ moved)
    settle = Pose.mean(chain, center).inverse
    return {n: place @ settle @ m for n, m in zip(anatomy.numbers, chain, strict=True)}


def global_of(poses: dict[int, Pose], anatomy: Anatomy) -> Pose:
    """The global rigid motion that best explains the poses of the body centres, rotation included."""
    return Pose.mean([poses[n] for n in anatomy.numbers], anatomy.centers.mean(0))


def true_deformation(
    rng: np.random.Generator,
    anatomy: Anatomy,
    poses: dict[int, Pose],
    box: Grid,
    motion: MotionOptions,
    options: DeformationOptions,
    progress: Progress = silent,
) -> tuple[Deformation, torch.Tensor]:
    """The known deformation on a box of the MR frame, and its soft part (z, y, x, 3) in box mm."""
    global_rigid = global_of(poses, anatomy)
    labels = labels_on(anatomy, box, global_rigid)
    progress(STAGE, 0.1)
    bones = make_bones(labels, box, poses, global_rigid, options.reach_mm)
    progress(STAGE, 0.25)
    distance = distance_from_bones(bones, box, 1.0, 10 + 2 * box.spacing_mm[0]).distance
    progress(STAGE, 0.35)
    soft = random_soft_motion(rng, box, motion, distance)
    progress(STAGE, 0.45)
    coarse = soft[:: options.stride, :: options.stride, :: options.stride]
    total = compose(bone_motion(bones, box, options), coarse, options, box)
    progress(STAGE, 0.6)
    deformation = build_deformation(bones, box, poses, global_rigid, options, total)
    progress(STAGE, 1.0)
    return deformation, soft


def labels_on(anatomy: Anatomy, box: Grid, global_rigid: Pose) -> NDArray[Any]:
    """Vertebra numbers (z, y, x) on a grid of the MR frame, the patient moved by the global rigid only."""
    labels = np.zeros(box.shape, np.uint8)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        corners = np.array(list(product(*zip(*bounds(shape), strict=True))))
        places = box.to_indices((global_rigid @ frame).apply(corners))
        low = np.floor(places.min(0)).astype(int).clip(0, box.size)
        high = (np.ceil(places.max(0)).astype(int) + 1).clip(low, box.size)
        if (high == low).any():
            continue
        part = box.crop(low, high - low)
        back = global_rigid.inverse.apply(part.points())
        numbers = bone_labels(anatomy, torch.tensor(back.reshape(-1, 3), dtype=torch.float32), shape.number)
        window = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
        inside = numbers.reshape(part.shape).numpy()
        labels[window] = np.where(inside > 0, inside, labels[window])
    return labels


def random_soft_motion(
    rng: np.random.Generator, box: Grid, options: MotionOptions, distance: torch.Tensor
) -> torch.Tensor:
    """A smooth displacement (z, y, x, 3) in box mm, zero on the moved bones and at the border."""
    spacing = box.spacing_mm[0]
    node_mm = max(options.soft_length_mm / 3, spacing)
    coarse = [int(np.ceil((n - 1) * spacing / node_mm)) + 1 for n in box.shape]
    sigma = options.soft_length_mm / node_mm
    rough = np.stack([gaussian_filter(rng.normal(size=coarse), sigma, mode="wrap") for _ in range(3)])
    fine = F.interpolate(
        torch.tensor(rough[None], dtype=torch.float32), box.shape, mode="trilinear", align_corners=True
    )
    field = np.moveaxis(fine[0].numpy(), 0, -1)
    field *= rng.uniform(0.3, 1) * options.soft_mm / max(float(np.linalg.norm(field, axis=-1).max()), 1e-9)
    z, y, x = border_ramps(box, _BORDER_MM, torch.float64)
    window = smoothstep(((distance - 2 * spacing) / 8).clamp(0, 1)) * smoothstep(z * y * x)
    return torch.tensor(field * window.numpy()[..., None], dtype=torch.float32)
