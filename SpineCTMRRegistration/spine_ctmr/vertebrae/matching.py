"""What the refinement compares: MR descriptors on a lattice, CT intensities around sample points."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..geometry.distance import distance_map
from ..geometry.sampling import linear_samples, value_and_gradient
from ..similarity import descriptors

EVEN_STEPS = 1 / 1.22074408460575947536 ** torch.arange(1.0, 4.0, dtype=torch.float64)
"""Multiples of these, modulo 1, fill a cube evenly: the additive recurrence of M. Roberts (2018), whose base
is the root of x^4 = x + 1."""


@dataclass(frozen=True)
class Lattice:
    """A scene at one resolution.

    Attributes:
        spacing_mm: of the lattice.
        offset_mm: box coordinate of lattice node 0.
        mr: (z, y, x) MR intensities.
        mr_descriptors: (z, y, x, 12) of the MR.
        ct: (z, y, x) CT intensities.
        floor: noise floor of the CT's descriptors.
        seen: (z, y, x) float, where the MR has data.
        comparable: (z, y, x) float, where it has all that a descriptor needs. Beside the end of the MR the
            descriptors show that end, which pulls the end plate of a bone that is cut there.
    """

    spacing_mm: float
    offset_mm: float
    mr: torch.Tensor
    mr_descriptors: torch.Tensor
    ct: torch.Tensor
    floor: float
    seen: torch.Tensor
    comparable: torch.Tensor


@dataclass(frozen=True)
class Scene:
    """Both images on one isotropic box of the MR frame, the CT brought there by the global motion.

    What is derived from them is kept for the next that asks.

    Attributes:
        mr: (z, y, x) float32.
        ct: (z, y, x) float32, smoothed like the MR's slices.
        mr_seen: (z, y, x) bool, where the MR has data.
        ct_seen: likewise; on the CPU, where sample points are chosen.
        labels: (z, y, x) vertebra numbers of the CT.
        spacing_mm: of the box.
    """

    mr: torch.Tensor
    ct: torch.Tensor
    mr_seen: torch.Tensor
    ct_seen: torch.Tensor
    labels: NDArray[Any]
    spacing_mm: float
    _lattices: dict[int, Lattice] = field(default_factory=dict, init=False, repr=False)
    _around: dict[tuple[int, float], torch.Tensor] = field(default_factory=dict, init=False, repr=False)

    def to(self, device: str) -> Scene:
        """The scene on a device; the same one where it is there."""
        if self.mr.device.type == device:
            return self
        return replace(self, mr=self.mr.to(device), ct=self.ct.to(device), mr_seen=self.mr_seen.to(device))

    def lattice(self, factor: int) -> Lattice:
        """The scene at `factor` times its spacing."""
        if factor not in self._lattices:
            mr, ct, seen = (_coarsen(v, factor) for v in (self.mr, self.ct, self.mr_seen.float()))
            seen = (seen > 0.99).float()
            self._lattices[factor] = Lattice(
                spacing_mm=self.spacing_mm * factor,
                offset_mm=self.spacing_mm * (factor - 1) / 2,
                mr=mr,
                mr_descriptors=descriptors.dense(mr),
                ct=ct,
                floor=descriptors.noise_floor(ct),
                seen=seen,
                comparable=_eroded(seen, descriptors.REACH),
            )
        return self._lattices[factor]

    def around(self, number: int, reach_mm: float) -> torch.Tensor:
        """Voxels (m, 3), indices (z, y, x), within a distance of a vertebra of the CT."""
        key = (number, reach_mm)
        if key not in self._around:
            margin = int(reach_mm / self.spacing_mm) + 1
            start, distance = distance_map(self.labels == number, margin, self.spacing_mm)
            self._around[key] = torch.from_numpy(np.argwhere(distance <= reach_mm) + start[::-1])
        return self._around[key]


@dataclass(frozen=True)
class Resolution:
    """What is compared at one resolution.

    Attributes:
        lattice: the images.
        points: (n, p, 3) box mm, sample points in and around each vertebra of the CT.
        known: (n, p) bool, points that the CT shows.
    """

    lattice: Lattice
    points: torch.Tensor
    known: torch.Tensor

    @property
    def spacing_mm(self) -> float:
        """Of the lattice."""
        return self.lattice.spacing_mm

    def ct_descriptors(self, rotations: torch.Tensor) -> torch.Tensor:
        """Descriptors (b, p, 12) of the CT at the points, along axes turned by (b, 3, 3) CT→MR rotations.

        b is a multiple of n: the points repeat for every start.
        """
        stencil = descriptors.STENCIL.to(self.points) * self.spacing_mm
        turned = stencil @ rotations
        starts = len(rotations) // len(self.points)
        rendered = []
        for points in self.points.repeat(starts, 1, 1).split(-(-descriptors.PART // len(rotations)), 1):
            seen = self._sample(self.lattice.ct, points[:, :, None] + turned[:, None])
            rendered.append(descriptors.sparse(seen, self.lattice.floor))
        return torch.cat(rendered, 1)

    def mr_descriptors(self, points: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """MR descriptors (..., 12) and their x, y, z derivatives per mm, each (..., 12), at box points."""
        return self._with_slopes(self.lattice.mr_descriptors, points)

    def mr_values(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """MR intensities (...) and their derivatives per mm (..., 3) at box points."""
        value, slopes = self._with_slopes(self.lattice.mr[..., None], points)
        return value[..., 0], torch.cat(slopes, -1)

    def ct_values(self) -> torch.Tensor:
        """CT intensities (n, p) at the points."""
        return self._sample(self.lattice.ct, self.points)

    def _with_slopes(
        self, volume: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        index = (points.reshape(-1, 3) - self.lattice.offset_mm) / self.spacing_mm
        value, slopes = value_and_gradient(volume, index)
        shape = (*points.shape[:-1], -1)
        return value.reshape(shape), tuple(s.reshape(shape) / self.spacing_mm for s in slopes)

    def visible(self, points: torch.Tensor) -> torch.Tensor:
        """Share (...,) of the MR's data around box points (..., 3): 1 inside, 0 outside its field of view."""
        return self._sample(self.lattice.seen, points, padding="zeros")

    def comparable(self, points: torch.Tensor) -> torch.Tensor:
        """Weight (..., n, p) of the sample points moved to (..., n, p, 3): 1 where both have descriptors."""
        return self._sample(self.lattice.comparable, points, padding="zeros") * self.known

    def _sample(self, volume: torch.Tensor, points: torch.Tensor, padding: str = "border") -> torch.Tensor:
        size = torch.tensor(volume.shape[::-1], dtype=torch.float32, device=volume.device)
        where = (points.reshape(-1, 3) - self.lattice.offset_mm) * (2 / (self.spacing_mm * (size - 1))) - 1
        return linear_samples(volume[None], where, padding)[0].reshape(points.shape[:-1])


def make_resolution(scene: Scene, numbers: list[int], factor: int, count: int, reach_mm: float) -> Resolution:
    """The scene at `factor` times its spacing with `count` sample points for each vertebra.

    The points lie in the vertebra's voxels dilated by `reach_mm`, spread evenly over them and jittered by
    half a voxel, which keeps the interpolation's smoothing independent of the pose (no lattice artefact).
    Always the same ones: a pose does not depend on a draw.
    """
    points, known = [], []
    along = torch.arange(count, dtype=torch.float64) + 0.5
    jitter = (along[:, None] * EVEN_STEPS % 1).float() - 0.5
    for number in numbers:
        voxels = scene.around(number, reach_mm)
        index = voxels[(along * (len(voxels) / count)).long()]
        z, y, x = index.unbind(-1)
        known.append(scene.ct_seen[z, y, x])
        points.append((index.flip(-1) + jitter) * scene.spacing_mm)
    device = scene.mr.device
    return Resolution(
        lattice=scene.lattice(factor),
        points=torch.stack(points).float().to(device),
        known=torch.stack(known).to(device),
    )


def _eroded(mask: torch.Tensor, steps: int) -> torch.Tensor:
    """Where a mask (z, y, x) of 0 and 1 is 1 everywhere within some grid steps, or beyond the box."""
    padded = F.pad(mask, [steps] * 6, value=1.0)
    for axis in range(3):
        padded = padded.unfold(axis, 2 * steps + 1, 1).amin(-1)
    return padded


def _coarsen(volume: torch.Tensor, factor: int) -> torch.Tensor:
    return volume if factor == 1 else F.avg_pool3d(volume[None, None], factor)[0, 0]
