"""Losses on the moved label maps: rigid dice and volume (Jian et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from ...network.integration import voxel_indices, warp
from .dice import dice_loss
from .rigidity import mean_over_vertebrae, rigid_fit, vertebrae

NEWTON_STEPS = 5
BORDER_VOXELS = 3
"""How far beyond the moved vertebra its closest rigid transform is looked at."""


def rigid_dice(displacement: Tensor, labels: Tensor, spacing_mm: float, margin: int = 0) -> Tensor:
    """1 - Dice of every vertebra moved by the field and by the closest rigid motion (eq. 2 and 3).

    The rigid motion is a constant for the gradient. Mean over the vertebrae that the field leaves on the
    grid; 0 without any. Dice has squares in its denominator, so that equal soft masks give 0.

    Args:
        displacement: (B, 3, Z, Y, X) in mm along the axes (x, y, z).
        labels: integers (B, 1, Z + 2m, Y + 2m, X + 2m) in the frame of the moving CT, m = `margin`.
        spacing_mm: of the isotropic grid.
        margin: voxels of the labels before the displacement's first one.
    """
    pairs = _with_closest_rigid(displacement, labels, spacing_mm, margin)
    return mean_over_vertebrae([dice_loss(moved, rigid) for moved, rigid in pairs], displacement)


@torch.no_grad()
def rigid_dice_and_volume(
    displacement: Tensor, labels: Tensor, spacing_mm: float
) -> tuple[list[float], list[float]]:
    """Dice of every vertebra with its closest rigid motion, and relative volume changes of whole vertebrae.

    As evaluations give them, of masks made binary at 1/2. Arguments as for `rigid_dice`.
    """
    pairs = _with_closest_rigid(displacement, labels, spacing_mm, 0)
    binary = [(moved > 0.5, rigid > 0.5) for moved, rigid in pairs]
    overlaps = [float(2 * (a & b).sum() / (a.sum() + b.sum())) for a, b in binary]
    moving = _moved_vertebrae(displacement, labels, spacing_mm, 0)
    whole = [(m, f) for _, m, f in moving if not _touches_border(m) and not _touches_border(f)]
    return overlaps, [float(((f > 0.5).sum() / m.sum() - 1).abs()) for m, f in whole]


def _with_closest_rigid(
    displacement: Tensor, labels: Tensor, spacing_mm: float, margin: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every vertebra moved by the field, around where it is, and moved by the closest rigid motion."""
    for b, mask, moved in _moved_vertebrae(displacement, labels, spacing_mm, margin):
        box = _bounding_box(moved[0, 0] > 0)
        around = moved[:, :, box[0], box[1], box[2]]
        field = displacement[b : b + 1, :, box[0], box[1], box[2]]
        start = voxel_indices(field.shape[2:], field) + field.new_tensor([s.start for s in box[::-1]])
        points = ((start + margin) * spacing_mm).reshape(-1, 3)
        yield around, closest_rigid_mask(mask, around, points, field, spacing_mm)


@torch.no_grad()
def closest_rigid_mask(
    mask: Tensor, moved: Tensor, points: Tensor, field: Tensor, spacing_mm: float
) -> Tensor:
    """A vertebra moved by the rigid motion with least squared difference to what the field made of it.

    Starts from the best rigid fit of the field in the vertebra and continues with Gauss-Newton steps on
    the masks as long as they help (eq. 2).

    Args:
        mask: (1, 1, Z, Y, X) of the vertebra in the CT.
        moved: (1, 1, z, y, x), the mask moved by the field, on a part of the grid.
        points: (n, 3) mm from the mask's first voxel, of the voxels of `moved`.
        field: (1, 3, z, y, x) in mm there.
        spacing_mm: of the isotropic grid.
    """
    target = moved.reshape(-1)
    inside = target > 0.5 * target.max()
    vectors = field[0].permute(1, 2, 3, 0).reshape(-1, 3)
    rotation, translation = rigid_fit(points[inside], points[inside] + vectors[inside])
    center = points[inside].mean(0)
    values, slopes = _sampled(mask, points @ rotation.T + translation, spacing_mm)
    for _ in range(NEWTON_STEPS):
        turn, shift = _newton_step(points - center, rotation, values - target, slopes)
        new_rotation = rotation @ torch.linalg.matrix_exp(_cross_matrix(turn))
        new_translation = translation + (rotation - new_rotation) @ center + shift
        new_values, new_slopes = _sampled(mask, points @ new_rotation.T + new_translation, spacing_mm)
        if (new_values - target).square().sum() >= (values - target).square().sum():
            break
        rotation, translation, values, slopes = new_rotation, new_translation, new_values, new_slopes
    return values.reshape(moved.shape)


def volume_change(displacement: Tensor, labels: Tensor, spacing_mm: float, margin: int = 0) -> Tensor:
    """Relative change |V(moved) - V| / V of every whole vertebra's volume, mean over the vertebrae.

    The direct volume loss that Jian et al. 2022 compare their properness condition with. Vertebrae that
    touch the border of the grid before or after the motion have no known volume and are left out.
    Arguments as for `rigid_dice`.
    """
    changes = []
    for _, mask, moved in _moved_vertebrae(displacement, labels, spacing_mm, margin):
        if not _touches_border(mask) and not _touches_border(moved):
            changes.append((moved.sum() / mask.sum() - 1).abs())
    return mean_over_vertebrae(changes, displacement)


def _moved_vertebrae(
    displacement: Tensor, labels: Tensor, spacing_mm: float, margin: int
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Sample number, mask (1, 1, ...) in the CT and moved mask of every vertebra still on the grid."""
    for b, inside in vertebrae(labels):
        mask = inside.to(displacement.dtype)[None, None]
        moved = warp(mask, displacement[b : b + 1], spacing_mm, margin=margin)
        if moved.max() > 0.5:
            yield b, mask, moved


def _bounding_box(inside: Tensor) -> list[slice]:
    found = inside.nonzero()
    low, high = found.amin(0) - BORDER_VOXELS, found.amax(0) + BORDER_VOXELS + 1
    return [slice(max(int(a), 0), int(b)) for a, b in zip(low, high, strict=True)]


def _sampled(mask: Tensor, points: Tensor, spacing_mm: float) -> tuple[Tensor, Tensor]:
    """Values (n,) of a mask at points, and their derivatives (n, 3) per mm, components (x, y, z)."""
    slopes = torch.stack(torch.gradient(mask[0, 0], spacing=spacing_mm)[::-1])[None]
    sides = points.new_tensor(mask.shape[:1:-1])
    place = (2 * points / spacing_mm / (sides - 1).clamp(min=1) - 1)[None, None, None]
    both = functional.grid_sample(
        torch.cat([mask, slopes], 1), place, padding_mode="border", align_corners=True
    )
    return both[0, 0].reshape(-1), both[0, 1:].reshape(3, -1).T


def _newton_step(arms: Tensor, rotation: Tensor, residual: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation vector (3,) about the centre, before the present rotation, and shift (3,) in mm."""
    turned = slopes @ rotation
    columns = torch.cat([torch.linalg.cross(arms, turned), slopes], 1)
    normal = columns.T @ columns
    damping = 1e-6 * torch.diag(normal).clamp(min=torch.finfo(normal.dtype).tiny ** 0.5)
    step = -torch.linalg.solve(normal + torch.diag(damping), columns.T @ residual)
    return step[:3], step[3:]


def _cross_matrix(v: Tensor) -> Tensor:
    zero = torch.zeros_like(v[0])
    rows = [torch.stack(row) for row in ((zero, -v[2], v[1]), (v[2], zero, -v[0]), (-v[1], v[0], zero))]
    return torch.stack(rows)


def _touches_border(mask: Tensor) -> bool:
    volume = mask[0, 0]
    faces = (volume.select(axis, end) for axis in range(3) for end in (0, -1))
    return any(bool((face > 0).any()) for face in faces)
