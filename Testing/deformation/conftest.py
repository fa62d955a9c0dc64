"""Two bones that move oppositely, on grids of any orientation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from spine_ctmr.deformation.bones import core_points, make_bones
from spine_ctmr.deformation.deformation import Deformation, bone_motion, build_deformation
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.deformation.warping import carried
from spine_ctmr.geometry.boxes import spine_box
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower

Array = NDArray[np.float64]
OPTIONS = DeformationOptions(spacing_mm=1.0, reach_mm=20.0)
HALF_SIZE = np.array([17.0, 13.0, 8.0])


def _transformed(transform: sitk.Transform, points: Array) -> Array:
    return np.array([transform.TransformPoint(p) for p in points.tolist()])


@dataclass(frozen=True)
class Moved:
    """Box-shaped bones 1 and 2 (2 above 1) before and after their motion.

    Attributes:
        labels: (z, y, x) on the deformation's box, after the global motion and before the residual one.
        deformation: what is tested.
    """

    labels: NDArray[np.uint8]
    deformation: Deformation

    def to_mr(self, points: Array) -> Array:
        """CT points (n, 3) moved to the MR by SimpleITK."""
        return _transformed(self.deformation.ct_to_mr(), points)

    def to_ct(self, points: Array) -> Array:
        """MR points (n, 3) moved to the CT by SimpleITK."""
        return _transformed(self.deformation.mr_to_ct(), points)

    def box_points(self, count: int) -> Array:
        """Random MR points (n, 3) in the box."""
        box = self.deformation.box
        return box.to_points(np.random.default_rng(0).uniform(0, 1, (count, 3)) * (np.array(box.size) - 1))

    def bone_points(self, number: int, count: int = 400, inside_mm: float = 0.0) -> Array:
        """CT points (n, 3) of a bone: voxel centres, or points up to `inside_mm` from them that are bone."""
        box, rng = self.deformation.box, np.random.default_rng(number)
        voxels = np.argwhere(self.labels == number)[:, ::-1]
        low, high = voxels.min(0), voxels.max(0)
        some = voxels[rng.choice(len(voxels), count)] + rng.uniform(-inside_mm, inside_mm, (count, 3))
        points = box.to_points(np.clip(some, low, high))
        return self.deformation.global_rigid.inverse.apply(points)


Mover = Callable[..., Moved]


def build(
    poses: dict[int, Pose],
    global_rigid: Pose | None = None,
    frame: Pose | None = None,
    gap_mm: float = 8.0,
    options: DeformationOptions = OPTIONS,
    change: Callable[[torch.Tensor, Grid], torch.Tensor] | None = None,
) -> Moved:
    """The deformation of two bones, `gap_mm` apart along z, that move by `poses` after `global_rigid`.

    `frame` carries bones, motions and box to another place.

    `change` may alter the bones' motion before the deformation is built from it.
    """
    frame = Pose.identity() if frame is None else frame
    start = Pose.identity() if global_rigid is None else global_rigid
    motions = [start, *(pose @ start for pose in poses.values())]
    common, *moves = (frame @ m @ frame.inverse for m in motions)
    height = gap_mm / 2 + HALF_SIZE[2]
    middles = {1: np.array([0, 0, -height]), 2: np.array([0, 0, height])}
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = np.concatenate([middles[n] + signs * HALF_SIZE for n in poses])
    ends = np.concatenate([(common @ frame).apply(corners), *((m @ frame).apply(corners) for m in moves)])
    axes = common.rotation @ frame.rotation
    box = spine_box(ends, options.spacing_mm, options.reach_mm + 2, axes, options.stride)
    local = (common @ frame).inverse.apply(box.points())
    labels = np.zeros(box.shape, np.uint8)
    for number in poses:
        labels[(np.abs(local - middles[number]) <= HALF_SIZE).all(-1)] = number
    named = dict(zip(poses, moves, strict=True))
    cores = core_points(carried(box.image(labels), common.inverse))
    bones = make_bones(labels, box, named, common, options.reach_mm, cores)
    motion = bone_motion(bones, box, options)
    if change is not None:
        motion = change(motion, box)
    return Moved(labels, build_deformation(bones, box, named, common, options, motion))


def opposite(degrees: float, shift_mm: float) -> dict[int, Pose]:
    """Poses that turn and shift bones 1 and 2 against each other by that much in all."""
    height = HALF_SIZE[2] + 4
    return {
        n: Pose.from_rotation(
            np.radians([0.3 * s * degrees / 2, s * degrees / 2, 0]),
            [s * shift_mm / 2, 0, 0],
            [0, 0, -s * height],
        )
        for n, s in ((1, 1.0), (2, -1.0))
    }


@pytest.fixture(scope="session")
def move_bones() -> Mover:
    """Builds the deformation of two bones from their poses: see `build`."""
    return build


@pytest.fixture(scope="session")
def bend() -> Callable[[float, float], dict[int, Pose]]:
    """Poses of two bones that turn (degrees) and slide (mm) against each other."""
    return opposite


CASES = {"3deg-2mm": (3.0, 2.0), "8deg-4mm": (8.0, 4.0), "15deg-6mm": (15.0, 6.0)}


def _made_once(name: str) -> Moved:
    if name not in _MADE:
        _MADE[name] = build(opposite(*CASES[name]))
    return _MADE[name]


_MADE: dict[str, Moved] = {}


@pytest.fixture(params=CASES)
def opposed(request: pytest.FixtureRequest) -> Moved:
    """Two bones 8 mm apart that turn and slide against each other, 3 to 15 degrees and 2 to 6 mm."""
    return _made_once(request.param)


@pytest.fixture(params=["3deg-2mm", "8deg-4mm"])
def bent(request: pytest.FixtureRequest) -> Moved:
    """The same without the largest motion, which leaves less than four voxels between the bones."""
    return _made_once(request.param)


@pytest.fixture
def strained() -> Moved:
    """The largest motion of `opposed`."""
    return _made_once("15deg-6mm")
