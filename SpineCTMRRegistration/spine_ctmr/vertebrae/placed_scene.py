"""Where the vertebrae of a case are thought to be, with the images that can tell better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry.boxes import to_box
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Centroids
from ..imaging.vertebra_names import cranial_to_caudal
from .contact import Face, opposite_faces
from .gauss_newton import Poses
from .matching import Scene


@dataclass(frozen=True)
class PlacedScene:
    """Both images on a box of the MR frame, and how the CT came there.

    Attributes:
        scene: both images on `box`, the CT moved by `global_rigid`.
        box: grid of the scene in the MR frame.
        global_rigid: CT→MR.
        ct_centers: body centres in the CT, LPS mm; their keys are the vertebrae in question.
    """

    scene: Scene
    box: Grid
    global_rigid: Pose
    ct_centers: Centroids

    def to(self, device: str) -> PlacedScene:
        """The same with its images on a device; this very one where they are there."""
        scene = self.scene.to(device)
        return self if scene is self.scene else replace(self, scene=scene)

    @cached_property
    def numbers(self) -> list[int]:
        """VerSe numbers of the vertebrae, cranial to caudal."""
        return cranial_to_caudal(list(self.ct_centers))

    @cached_property
    def centers(self) -> NDArray[Any]:
        """Body centres (n, 3) after the global motion, LPS mm of the MR frame."""
        return np.array([self.global_rigid.apply(self.ct_centers[n]) for n in self.numbers])

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """Where neighbouring vertebrae may meet."""
        scene = self.scene
        return opposite_faces(scene.labels, self.numbers, scene.spacing_mm, scene.mr.device)

    def residual_motions(self, starts: Sequence[Mapping[int, Pose]]) -> Poses:
        """What CT→MR poses do beyond the global motion, in box coordinates; a missing pose is that one."""
        undo = self.global_rigid.inverse
        motions = [[start.get(n, self.global_rigid) @ undo for n in self.numbers] for start in starts]
        local = np.array([[to_box(m, self.box).matrix for m in row] for row in motions])
        center = (self.centers - self.box.origin_mm) @ self.box.axes
        rotation = local[..., :3, :3]
        translation = local[..., :3, 3] + rotation @ center[..., None] @ np.ones(1) - center
        return Poses(*(torch.tensor(v, device=self.scene.mr.device) for v in (rotation, translation, center)))
