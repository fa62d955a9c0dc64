"""Voxel grids in world space, in any orientation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .pose import Pose  # needs scipy, which 3D Slicer may not have yet

Points = NDArray[Any]
"""LPS mm, last axis (x, y, z)."""


def _triple(values: NDArray[Any]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


@dataclass(frozen=True)
class Grid:
    """A voxel grid: oblique, anisotropic, flipped, permuted or left-handed.

    Attributes:
        size: voxels along (x, y, z) of the index space.
        spacing_mm: voxel spacing along the same axes.
        origin_mm: LPS point of the centre of voxel (0, 0, 0).
        direction: 3x3 direction cosines, row major; column k is the LPS direction of axis k.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @classmethod
    def of(cls, image: sitk.Image) -> Grid:
        """The grid of a 3-D image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @classmethod
    def around(
        cls,
        points: ArrayLike,
        spacing_mm: float | ArrayLike,
        margin_mm: float = 0.0,
        direction: ArrayLike | None = None,
    ) -> Grid:
        """The smallest grid with the given axes that holds LPS `points` (n, 3) and a margin."""
        axes = np.eye(3) if direction is None else np.asarray(direction, float).reshape(3, 3)
        spacing = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
        local = np.asarray(points, float) @ axes
        low, high = local.min(0) - margin_mm, local.max(0) + margin_mm
        size = np.maximum(np.ceil((high - low) / spacing - 1e-6).astype(int) + 1, 1)
        low = (low + high) / 2 - (size - 1) * spacing / 2
        return cls(
            (int(size[0]), int(size[1]), int(size[2])),
            _triple(spacing),
            _triple(axes @ low),
            tuple(float(v) for v in axes.ravel()),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape (z, y, x)."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def axes(self) -> NDArray[Any]:
        """Direction cosines (3, 3): column k is the LPS direction of axis k."""
        return np.asarray(self.direction, float).reshape(3, 3)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm))

    @cached_property
    def index_to_point(self) -> NDArray[Any]:
        """Matrix (4, 4) from index (x, y, z) to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes * self.spacing_mm
        matrix[:3, 3] = self.origin_mm
        return matrix

    @cached_property
    def point_to_index(self) -> NDArray[Any]:
        """Matrix (4, 4) from LPS mm to index (x, y, z)."""
        return np.linalg.inv(self.index_to_point)

    @property
    def center_mm(self) -> Points:
        """LPS point in the middle of the grid."""
        return self.to_points((np.asarray(self.size) - 1) / 2)

    def to_points(self, indices: ArrayLike) -> Points:
        """LPS mm (..., 3) of indices (..., 3) in (x, y, z) order."""
        matrix = self.index_to_point
        return np.asarray(indices, float) @ matrix[:3, :3].T + matrix[:3, 3]

    def to_indices(self, points: ArrayLike) -> Points:
        """Continuous indices (..., 3) in (x, y, z) order of LPS points (..., 3)."""
        matrix = self.point_to_index
        return np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3]

    def points(self) -> Points:
        """LPS mm of all voxel centres, shape (z, y, x, 3)."""
        nz, ny, nx = self.shape
        z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
        return self.to_points(np.stack([x, y, z], -1))

    def corners(self) -> Points:
        """LPS mm (8, 3) of the outer corners of the outermost voxels."""
        ends = [(-0.5, n - 0.5) for n in self.size]
        return self.to_points([(x, y, z) for x in ends[0] for y in ends[1] for z in ends[2]])

    def contains(self, points: ArrayLike, margin_mm: float = 0.0) -> NDArray[Any]:
        """Which LPS points (..., 3) lie inside the voxels, at least `margin_mm` from the outside."""
        indices = self.to_indices(points)
        margin = margin_mm / np.asarray(self.spacing_mm)
        return np.all((indices >= margin - 0.5) & (indices <= np.asarray(self.size) - 0.5 - margin), -1)

    def covers(self, other: Grid, motion: Pose | None = None) -> NDArray[Any]:
        """Which voxel centres (z, y, x) of another grid, moved rigidly, lie inside this one."""
        matrix = self.point_to_index @ (np.eye(4) if motion is None else motion.matrix) @ other.index_to_point
        x, y, z = (np.arange(n) for n in other.size)
        inside = np.ones(other.shape, bool)
        for row, size in zip(matrix[:3], self.size, strict=True):
            index = (
                (row[0] * x + row[3])[None, None] + (row[1] * y)[None, :, None] + (row[2] * z)[:, None, None]
            )
            inside &= (index >= -0.5) & (index <= size - 0.5)
        return inside

    def crop(self, start: ArrayLike, size: ArrayLike) -> Grid:
        """The sub-grid of `size` (x, y, z) voxels from index `start` (x, y, z)."""
        nx, ny, nz = (int(n) for n in np.asarray(size))
        origin = self.to_points(start)
        return Grid((nx, ny, nz), self.spacing_mm, _triple(origin), self.direction)

    def moved(self, motion: Pose) -> Grid:
        """The same voxels after a rigid motion."""
        axes = motion.rotation @ self.axes
        origin = motion.apply(self.origin_mm)
        return Grid(self.size, self.spacing_mm, _triple(origin), tuple(float(v) for v in axes.ravel()))

    def coarse(self, stride: int) -> Grid:
        """The grid of every `stride`-th voxel."""
        nx, ny, nz = ((n - 1) // stride + 1 for n in self.size)
        return Grid((nx, ny, nz), _triple(np.array(self.spacing_mm) * stride), self.origin_mm, self.direction)

    def in_own_frame(self) -> Grid:
        """The same voxels in millimetres along the grid's own axes, from voxel (0, 0, 0)."""
        return Grid(self.size, self.spacing_mm, (0.0, 0.0, 0.0))

    def same_as(self, other: Grid, tolerance_voxels: float = 1e-2) -> bool:
        """Whether both grids have the same voxels up to float noise."""
        if self.size != other.size:
            return False
        distance = np.abs(self.corners() - other.corners()).max()
        return bool(distance <= tolerance_voxels * min(self.spacing_mm))

    def image(self, array: NDArray[Any]) -> sitk.Image:
        """A SimpleITK image of `array` (z, y, x) or, as vectors, (z, y, x, c) on this grid."""
        result = sitk.GetImageFromArray(array, isVector=array.ndim == 4)
        result.SetSpacing(self.spacing_mm)
        result.SetOrigin(self.origin_mm)
        result.SetDirection(self.direction)
        return result

    def empty(self, pixel: int = sitk.sitkUInt8) -> sitk.Image:
        """A zero image on this grid."""
        result = sitk.Image(self.size, pixel)
        result.SetSpacing(self.spacing_mm)
        result.SetOrigin(self.origin_mm)
        result.SetDirection(self.direction)
        return result
