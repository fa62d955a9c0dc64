"""How a phantom moves between CT and MR: by elastic mechanics, or by the registration's own blend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..deformation.deformation import Deformation
from ..deformation.options import DeformationOptions
from ..geometry.boxes import spine_box
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from ..progress import Progress, silent
from .anatomy import Anatomy
from .mechanics.posture import PostureOptions, random_posture
from .motion import STAGE, MotionOptions, global_of, random_poses, true_deformation

PointMap = Callable[[NDArray[Any]], NDArray[Any]]
"""Where LPS points (n, 3) of the MR lie in the CT."""
_ELASTIC_MARGIN_MM, _MESH_MM = 36.0, 5.0
_ORGANS_MM = (2.0, 10.0)


@dataclass(frozen=True)
class PhantomMotion:
    """The truth about a phantom.

    Attributes:
        poses: CT→MR by VerSe number, LPS mm.
        mr_to_ct: of all tissue.
    """

    poses: dict[int, Pose]
    mr_to_ct: PointMap


def random_motion(
    rng: np.random.Generator,
    anatomy: Anatomy,
    options: MotionOptions | PostureOptions,
    truth_spacing_mm: float = 1.0,
    progress: Progress = silent,
) -> PhantomMotion:
    """A posture of an elastic patient, or a blend of bone motions, as the kind of the options says.

    Args:
        rng: decides the motion.
        anatomy: the patient.
        options: how far it moves.
        truth_spacing_mm: of the grid that holds a blend.
        progress: told the share done.

    Raises:
        InputError: mechanics are asked for and the packages that they need are missing.
    """
    progress(STAGE, 0.0)
    if isinstance(options, PostureOptions):
        return _elastic(rng, anatomy, options)
    return _blended(rng, anatomy, options, truth_spacing_mm, progress)


def outlines(anatomy: Anatomy, poses: dict[int, Pose] | None = None) -> NDArray[Any]:
    """LPS points (n, 3) around all vertebrae, moved by their poses if there are any."""
    corners = {number: _outline(anatomy, i) for i, number in enumerate(anatomy.numbers)}
    return np.concatenate([c if poses is None else poses[n].apply(c) for n, c in corners.items()])


def _elastic(rng: np.random.Generator, anatomy: Anatomy, options: PostureOptions) -> PhantomMotion:
    from .mechanics.elastic_motion import ElasticMotion
    from .mechanics.tissue import Tissue

    poses = random_posture(rng, anatomy, options)
    bones = outlines(anatomy)
    box = bones.min(0) - _ELASTIC_MARGIN_MM, bones.max(0) + _ELASTIC_MARGIN_MM
    tissue = Tissue.prepared(anatomy, box, _MESH_MM, open_ends=True)
    organs = tissue.organ_motion(rng, float(rng.uniform(*_ORGANS_MM)))
    return PhantomMotion(poses, ElasticMotion.of(tissue, poses, global_of(poses, anatomy), organs).mr_to_ct)


def _blended(
    rng: np.random.Generator,
    anatomy: Anatomy,
    options: MotionOptions,
    spacing_mm: float,
    progress: Progress,
) -> PhantomMotion:
    poses = random_poses(rng, anatomy, options)
    truth = DeformationOptions(
        spacing_mm=spacing_mm, close_mm=0.0, reach_mm=38.0, weight_power=2.6, steps=4, stride=2
    )
    box = spine_box(outlines(anatomy, poses), spacing_mm, truth.reach_mm + 8, np.eye(3), truth.stride)
    deformation, _ = true_deformation(rng, anatomy, poses, box, options, truth, progress)
    return PhantomMotion(poses, _BlendedMap(deformation))


def _outline(anatomy: Anatomy, index: int) -> NDArray[Any]:
    """LPS points (8, 3) around one vertebra."""
    shape = anatomy.vertebrae[index]
    side, front = shape.half_span + 3, -shape.depth / 2 - 2
    back = shape.depth / 2 + 2 * shape.canal_radius + shape.spinous
    corners = [(x, y, z * shape.height / 2) for x in (-side, side) for y in (front, back) for z in (-1, 1)]
    return anatomy.frames[index].apply(corners)


class _BlendedMap:
    """`mr_to_ct` of a deformation for many points at once."""

    def __init__(self, deformation: Deformation) -> None:
        self.deformation = deformation
        self.field = torch.tensor(deformation.mr_to_ct_field)

    def __call__(self, places: NDArray[Any]) -> NDArray[Any]:
        points = torch.tensor(places, dtype=torch.float32)
        box = self.deformation.box
        local = (points - torch.tensor(box.origin_mm, dtype=torch.float32)) @ torch.tensor(
            box.axes, dtype=torch.float32
        )
        moved = points + sample_field(self.field, local, box.spacing_mm[0])
        return self.deformation.global_rigid.inverse.apply(moved.numpy().astype(float))
