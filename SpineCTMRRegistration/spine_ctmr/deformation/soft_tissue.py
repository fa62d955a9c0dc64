"""Motion of the soft tissue between the bones, found on the images.

Gauss-Newton steps on MIND-SSC descriptors and mutual information at scattered points. What the points say
is averaged over the cells of a lattice, whose nodes a membrane (Horn and Schunck 1981) and a thin plate
(bending energy, Rueckert et al. 1999) hold together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..geometry.sampling import sample_field, value_and_gradient
from ..similarity import descriptors
from ..similarity.sampled_information import information_slopes

OVER_RELAXATION = 1.5
"""Averaging over whole cells overstates how stiff the evidence is, so that plain steps fall short."""
LEAST_FREE = 0.15
"""Share of a cell below which it is held still: bone, and the border of the box."""
ITERATIONS = 40
"""Of conjugate gradients: the lattice has some thirty cells along the spine."""


@dataclass(frozen=True)
class SoftTissueOptions:
    """How the soft tissue is followed.

    Attributes:
        steps: Gauss-Newton steps.
        points: looked at in each step.
        cell_mm: side of the lattice's cells.
        stiffness: weight of the membrane against the evidence of one point.
        bending: weight of the thin plate, which lets tissue shear and stretch evenly at no cost.
        information: weight of the mutual information beside the descriptors.
        limit_mm: largest step.
    """

    steps: int = 6
    points: int = 100_000
    cell_mm: float = 8.0
    stiffness: float = 0.0125
    bending: float = 0.01
    information: float = 1.0
    limit_mm: float = 3.0


def soft_motion(
    mr: torch.Tensor,
    ct: torch.Tensor,
    free: torch.Tensor,
    seen: torch.Tensor,
    spacing_mm: float,
    options: SoftTissueOptions,
    seed: int = 0,
) -> torch.Tensor:
    """Displacement (z, y, x, 3) in mm along the grid's axes from MR voxels to their places in `ct`.

    Args:
        mr: (z, y, x).
        ct: (z, y, x), moved to the MR as far as the bones explain.
        free: (z, y, x) in [0, 1]: 0 where the displacement must be zero.
        seen: (z, y, x) in [0, 1]: 0 where the images say nothing; there the lattice carries the motion on.
        spacing_mm: of the grid.
        options: see `SoftTissueOptions`.
        seed: of the points.
    """
    cell = max(round(options.cell_mm / spacing_mm), 1)
    lattice = mr.new_zeros((*(-(-n // cell) for n in mr.shape), 3))
    telling = free * seen
    voxels = telling.nonzero()
    if len(voxels) == 0:
        return mr.new_zeros((*mr.shape, 3))
    images = _Images(mr, ct, descriptors.dense(mr), descriptors.dense(ct), spacing_mm)
    held = _mean_over_cells(free, cell) < LEAST_FREE
    generator = torch.Generator().manual_seed(seed)
    count = min(options.points, len(voxels))
    worth = len(voxels) / (count * cell**3)
    order = torch.randperm(len(voxels), generator=generator).to(voxels.device)
    for step in range(options.steps):
        index = voxels[order.roll(-step * count)[:count]]
        jitter = (torch.rand(index.shape, generator=generator) - 0.5).to(mr)
        weight, told = free[index.unbind(-1)], telling[index.unbind(-1)]
        points = index.flip(-1) + jitter
        shift = sample_field(lattice, points - (cell - 1) / 2, cell) * weight[:, None]
        pull, stiffness = images.evidence(points, points + shift / spacing_mm, told, options.information)
        pull, stiffness = (_gathered(v * worth, index // cell, lattice.shape) for v in (pull, stiffness))
        right = pull - _tension(lattice, options)
        change = OVER_RELAXATION * _conjugate_gradients(stiffness, right, options, held)
        size = change.norm(dim=-1, keepdim=True)
        lattice = lattice + change * (options.limit_mm / size.clamp(min=options.limit_mm))
    return _spread(lattice, cell, mr.shape) * free[..., None]


@dataclass(frozen=True)
class _Images:
    """MR and CT (z, y, x), and their descriptors (z, y, x, 12).

    Both are looked at between the voxels. At whole voxels the value interpolated in the CT shares its noise
    with its one-sided slope, and every step would lead towards the middle of eight voxels.
    """

    mr: torch.Tensor
    ct: torch.Tensor
    mr_descriptors: torch.Tensor
    ct_descriptors: torch.Tensor
    spacing_mm: float

    def evidence(
        self, points: torch.Tensor, places: torch.Tensor, weight: torch.Tensor, information: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pull (n, 3) per mm and Gauss-Newton matrices (n, 3, 3) of MR points at their places in the CT.

        Args:
            points, places: (n, 3) continuous voxels (x, y, z).
            weight: (n,) share of the lattice's motion that each point follows.
            information: weight of the mutual information.
        """
        wanted = sample_field(self.mr_descriptors, points)
        value, slopes = value_and_gradient(self.ct_descriptors, places)
        difference = wanted - value
        error = difference.square().mean(-1)
        change = torch.stack(slopes, -1) * (weight / self.spacing_mm)[:, None, None]
        scaled = change / (12 * (error + error.mean()).clamp(min=1e-6))[:, None, None]
        pull = (scaled * difference[..., None]).sum(1)
        matrix = scaled.transpose(1, 2) @ change
        mr = sample_field(self.mr[..., None], points)
        ct, slopes = value_and_gradient(self.ct[..., None], places)
        steepness = torch.cat(slopes, -1) / self.spacing_mm
        score = information_slopes(ct[None, :, 0], steepness[None], mr[None, :, 0], weight[None])[0]
        pull = pull + information * score
        return pull, matrix + information * score[:, :, None] * score[:, None, :]


def _gathered(values: torch.Tensor, cells: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Sums (z, y, x, ...) of values (n, ...) over the points in each cell; `cells` (n, 3) is (z, y, x).

    In the order of the points, whatever the number of threads, unlike `index_put_`.
    """
    _, rows, columns = shape[:3]
    index = (cells[:, 0] * rows + cells[:, 1]) * columns + cells[:, 2]
    count = shape[0] * rows * columns
    sums = [torch.bincount(index, column, count) for column in values.flatten(1).double().unbind(1)]
    return torch.stack(sums, -1).to(values.dtype).reshape(*shape[:3], *values.shape[1:])


def _spread(lattice: torch.Tensor, cell: int, shape: torch.Size) -> torch.Tensor:
    """The lattice's vectors (z, y, x, 3) at all voxels, linear between the cells' centres."""
    channels = F.interpolate(lattice.permute(3, 0, 1, 2)[None], scale_factor=cell, mode="trilinear")
    return channels[0, :, : shape[0], : shape[1], : shape[2]].permute(1, 2, 3, 0).contiguous()


def _mean_over_cells(values: torch.Tensor, cell: int) -> torch.Tensor:
    """Means of values (z, y, x) over cubes of `cell` voxels; what lies beyond the last voxel counts as 0."""
    beyond = [width for n in reversed(values.shape) for width in (0, -n % cell)]
    return F.avg_pool3d(F.pad(values, beyond)[None, None], cell)[0, 0]


def _laplacian(field: torch.Tensor) -> torch.Tensor:
    """Sum of the differences to the six neighbours, (z, y, x, c); nothing flows through the border."""
    result = torch.zeros_like(field)
    for axis in range(3):
        change = field.diff(dim=axis)
        result.narrow(axis, 0, field.shape[axis] - 1).sub_(change)
        result.narrow(axis, 1, field.shape[axis] - 1).add_(change)
    return result


def _tension(field: torch.Tensor, options: SoftTissueOptions) -> torch.Tensor:
    """What membrane and thin plate oppose to a lattice's motion (z, y, x, c)."""
    bent = _laplacian(field)
    return options.stiffness * bent + options.bending * _laplacian(bent)


def _conjugate_gradients(
    stiffness: torch.Tensor, right: torch.Tensor, options: SoftTissueOptions, held: torch.Tensor
) -> torch.Tensor:
    """Solve stiffness x + tension(x) = right with x = 0 in the cells of a mask (z, y, x)."""
    free = (~held)[..., None].to(right)
    diagonal = stiffness.diagonal(dim1=-2, dim2=-1) + 6 * options.stiffness + 42 * options.bending
    x = torch.zeros_like(right)
    residual = right * free
    direction = scaled = residual / diagonal
    power = (residual * scaled).sum()
    for _ in range(ITERATIONS):
        image = ((stiffness @ direction[..., None])[..., 0] + _tension(direction, options)) * free
        length = power / (direction * image).sum().clamp(min=1e-20)
        x = x + length * direction
        residual = residual - length * image
        scaled = residual / diagonal
        new_power = (residual * scaled).sum()
        direction = scaled + direction * (new_power / power.clamp(min=1e-20))
        power = new_power
    return x
