"""Run a network that gives the displacement on images of any size: padded, and in pieces without seams."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product

import numpy as np
from numpy.typing import NDArray

from .torch_network import DisplacementNetwork

Volume = NDArray[np.float32]
LARGEST_SIDE = 100
"""Voxels along each side of the largest piece that a network of unpadded convolutions is given at once."""


def whole_displacement(
    network: DisplacementNetwork, fixed: Volume, moving: Volume, largest_side: int = LARGEST_SIDE
) -> Volume:
    """Displacement (Z, Y, X, 3) in mm, components (x, y, z) along the grid's axes.

    A network with a margin gives the middle of every piece. Pieces overlap by twice the margin, their middles
    meet, and because unpadded convolutions see the same surroundings in every piece the result is that of
    one run on the whole image. Other networks are run on the whole image. Beyond the image there is air.

    Args:
        network: a loaded network.
        fixed: MR (Z, Y, X) in [0, 1] on a grid of the network's spacing.
        moving: CT after the global alignment on the same grid, in [0, 1].
        largest_side: voxels along each side of a piece.
    """
    margin = network.margin
    sides = [_side(network, n, largest_side) for n in fixed.shape]
    steps = [side - 2 * margin for side in sides]
    extents = [-(-n // step) * step for n, step in zip(fixed.shape, steps, strict=True)]
    after = [(margin, extent - n + margin) for n, extent in zip(fixed.shape, extents, strict=True)]
    images = np.pad(np.stack([fixed, moving]).astype(np.float32, copy=False), [(0, 0), *after])
    result = np.empty((3, *extents), np.float32)
    for start in _starts(extents, steps):
        result[_part(start, steps)] = network.displacement(images[_part(start, sides)])
    nz, ny, nx = fixed.shape
    return np.ascontiguousarray(np.moveaxis(result[:, :nz, :ny, :nx], 0, -1))


def _side(network: DisplacementNetwork, voxels: int, largest_side: int) -> int:
    """The side of a piece: the smallest that covers so many voxels, or the largest allowed."""
    needed = next(side for side in count(voxels + 2 * network.margin) if network.takes(side))
    if network.margin == 0 or needed <= largest_side:
        return needed
    allowed = (side for side in range(largest_side, 2 * network.margin, -1) if network.takes(side))
    return next(allowed, needed)


def _starts(extents: list[int], steps: list[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(0, extent, step) for extent, step in zip(extents, steps, strict=True)))


def _part(start: tuple[int, ...], lengths: list[int]) -> tuple[slice, ...]:
    """Of an array with channels first."""
    return slice(None), *(slice(first, first + n) for first, n in zip(start, lengths, strict=True))
