"""A patient whose truth is known, and the motions that falsify one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ....evaluation.truth_points import PointPairs
from ....geometry.grid import Grid, Points
from ....geometry.voxels import array_view
from ....imaging.case import Case

Motion = Callable[[Points], Points]
"""Where LPS points (n, 3) go."""


@dataclass(frozen=True)
class Known:
    """Inputs and what is right about them.

    Attributes:
        case: what is given.
        bone: true places of each vertebra, by true VerSe number; empty where there is no right answer.
        bones: the true labels on the CT given; None where it shows none.
    """

    case: Case
    bone: Mapping[int, PointPairs]
    bones: sitk.Image | None

    def with_ct(self, ct: sitk.Image, labels: sitk.Image, motion: Motion) -> Known:
        """Another CT with its true labels, in which points lie elsewhere."""
        bone = {n: PointPairs(pairs.mr, motion(pairs.ct)) for n, pairs in self.bone.items()}
        return Known(replace(self.case, ct=ct, vertebrae=labels), bone, labels)

    def with_mr(self, mr: sitk.Image, motion: Motion) -> Known:
        """Another MR, in which points and landmarks lie elsewhere."""
        bone = {n: PointPairs(motion(pairs.mr), pairs.ct) for n, pairs in self.bone.items()}
        landmarks = {n: motion(center[None])[0] for n, center in self.landmarks.items()}
        return replace(self, case=replace(self.case, mr=mr, mr_centroids=landmarks), bone=bone)

    def with_labels(self, labels: sitk.Image) -> Known:
        """Other labels on the same CT; the truth stays."""
        return replace(self, case=replace(self.case, vertebrae=labels))

    def with_landmarks(self, landmarks: Mapping[int, Points]) -> Known:
        """Other landmarks in the same MR; the truth stays."""
        return replace(self, case=replace(self.case, mr_centroids=dict(landmarks)))

    def without_answer(self) -> Known:
        """The same inputs, of which nothing can be right."""
        return replace(self, bone={}, bones=None)

    @property
    def landmarks(self) -> Mapping[int, Points]:
        """Body centres in the MR, LPS mm (3,) by VerSe number."""
        return self.case.mr_centroids or {}

    @property
    def numbers(self) -> list[int]:
        """VerSe numbers of the given labels that have landmarks, cranial to caudal."""
        present = np.unique(array_view(self.case.vertebrae))
        return [int(n) for n in present if n in self.landmarks]


def flipped(image: sitk.Image, axis: int) -> tuple[sitk.Image, Motion]:
    """The voxels of an image in the opposite order along an index axis, and where its points went."""
    grid = Grid.of(image)

    def motion(points: Points) -> Points:
        indices = grid.to_indices(points)
        indices[..., axis] = grid.size[axis] - 1 - indices[..., axis]
        return grid.to_points(indices)

    return grid.image(np.flip(array_view(image), 2 - axis).copy()), motion


def body_axis(image: sitk.Image, direction: int) -> int:
    """The index axis that runs most along an LPS axis (0 = left, 1 = back, 2 = head)."""
    return int(np.argmax(np.abs(Grid.of(image).axes[direction])))


def on_grid_of(labels: sitk.Image, image: sitk.Image) -> sitk.Image:
    """Labels on the voxels of an image."""
    return sitk.Resample(labels, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)


def shifted(labels: sitk.Image, shift_mm: Points) -> sitk.Image:
    """Labels moved by an LPS vector, on the same voxels."""
    back = sitk.TranslationTransform(3, [-float(v) for v in shift_mm])
    return sitk.Resample(labels, labels, back, sitk.sitkNearestNeighbor, 0.0)
