"""How a synthetic patient's spine and soft tissue move between CT and MR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ...alignment import rigid
from ...deformation.bones import distance_from_bones, make_bones
from ...deformation.deformation import Deformation, bone_motion, build_deformation, compose
from ...deformation.options import DeformationOptions
from ...deformation.polyrigid import node_coordinates
from ...imaging.grid import Grid
from .anatomy import Anatomy
from .rendering import bone_labels


@dataclass(frozen=True)
class MotionOptions:
    """Size of the motion between CT and MR.

    Attributes:
        joint_deg: standard deviation of the rotation at each joint about (x, y, z); clipped at 8°.
        joint_mm: standard deviation of the slip at each joint; clipped at 8 mm.
        global_deg: standard deviation of the patient's rotation on the table.
        global_mm: standard deviation of the patient's shift.
        soft_mm: largest displacement of the soft tissue beyond what the bones explain.
        soft_length_mm: smoothness (Gaussian standard deviation) of that displacement.
    """

    joint_deg: tuple[float, float, float] = (2.2, 1.2, 1.2)
    joint_mm: float = 0.5
    global_deg: float = 3.0
    global_mm: float = 12.0
    soft_mm: float = 4.0
    soft_length_mm: float = 16.0


def random_poses(
    rng: np.random.Generator, anatomy: Anatomy, options: MotionOptions
) -> dict[int, rigid.Rigid]:
    """CT→MR poses (4, 4) in LPS mm: a chain of joint motions about the discs, then a global motion."""
    centers = anatomy.centers
    center = centers.mean(0)
    place = rigid.from_rotation(
        rng.normal(0, np.radians(options.global_deg), 3), rng.normal(0, options.global_mm, 3), center
    )
    chain = [np.eye(4)]
    for upper, lower in zip(anatomy.frames[:-1], anatomy.frames[1:], strict=True):
        joint = (upper[:3, 3] + lower[:3, 3]) / 2
        turn = np.clip(rng.normal(0, options.joint_deg, 3), -8, 8)
        slip = np.clip(rng.normal(0, options.joint_mm, 3), -8, 8)
        chain.append(chain[-1] @ rigid.from_rotation(np.radians(turn), slip, joint))
    settle = rigid.inverse(rigid.mean(chain, center))
    return {n: place @ settle @ m for n, m in zip(anatomy.numbers, chain, strict=True)}


def global_of(poses: dict[int, rigid.Rigid], anatomy: Anatomy) -> rigid.Rigid:
    """The global rigid motion that best explains the poses of the body centres, rotation included."""
    return rigid.mean([poses[n] for n in anatomy.numbers], anatomy.centers.mean(0))


def true_deformation(
    rng: np.random.Generator,
    anatomy: Anatomy,
    poses: dict[int, rigid.Rigid],
    box: Grid,
    motion: MotionOptions,
    options: DeformationOptions,
) -> tuple[Deformation, torch.Tensor]:
    """The known deformation on a box of the MR frame, and its soft part (z, y, x, 3) in box mm."""
    global_rigid = global_of(poses, anatomy)
    nodes = box.points().reshape(-1, 3)
    points = torch.tensor(rigid.apply(rigid.inverse(global_rigid), nodes), dtype=torch.float32)
    labels = bone_labels(anatomy, points).reshape(box.shape).numpy()
    bones = make_bones(labels, box, poses, global_rigid, options.reach_mm)
    distance = distance_from_bones(
        node_coordinates(box), bones, box, 1.0, 10 + 2 * box.spacing_mm[0]
    ).distance
    soft = random_soft_motion(rng, box, motion, distance)
    coarse = soft[:: options.stride, :: options.stride, :: options.stride]
    total = compose(bone_motion(bones, box, options), coarse, options, box)
    return build_deformation(bones, box, poses, global_rigid, options, total), soft


def random_soft_motion(
    rng: np.random.Generator, box: Grid, options: MotionOptions, distance: torch.Tensor
) -> torch.Tensor:
    """A smooth displacement (z, y, x, 3) in box mm, zero on the moved bones and at the border."""
    spacing = box.spacing_mm[0]
    sigma = options.soft_length_mm / spacing
    field = np.stack([gaussian_filter(rng.normal(size=box.shape), sigma, mode="wrap") for _ in range(3)], -1)
    field *= rng.uniform(0.3, 1) * options.soft_mm / max(float(np.linalg.norm(field, axis=-1).max()), 1e-9)
    ramp = ((distance - 2 * spacing) / 8).clamp(0, 1)
    window = (ramp * ramp * (3 - 2 * ramp)).numpy() * _border_window(box)
    return torch.tensor(field * window[..., None], dtype=torch.float32)


def _border_window(box: Grid) -> NDArray[Any]:
    ramps = [
        np.clip(np.minimum(np.arange(n), n - 1 - np.arange(n)) * box.spacing_mm[0] / 12, 0, 1)
        for n in box.shape
    ]
    window = ramps[0][:, None, None] * ramps[1][None, :, None] * ramps[2][None, None, :]
    return window * window * (3 - 2 * window)
