"""Run a network on images of any size: padded, and along z in blocks that blend without seams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .device_network import VelocityNetwork

Volume = NDArray[np.float32]
MULTIPLE = 16
"""Sides the network accepts are multiples of this (four poolings)."""


@dataclass(frozen=True)
class BlockOptions:
    """How large images are divided.

    Attributes:
        voxels: most voxels run at once; 4 million need about 1 GB.
        overlap: voxels along z shared by neighbouring blocks, a multiple of 16.
        margin: outermost voxels of a block along z that are not used where another block has them.
    """

    voxels: int = 4_000_000
    overlap: int = 96
    margin: int = 32


def predict_velocity(
    network: VelocityNetwork, fixed: Volume, moving: Volume, options: BlockOptions | None = None
) -> Volume:
    """Velocity (ceil(Z/2), ceil(Y/2), ceil(X/2), 3) in mm, components (x, y, z) along the grid's axes.

    Velocity voxel k lies at image index 2k + 0.5 along each axis, whatever the padding.

    Args:
        network: a loaded network.
        fixed: MR (Z, Y, X) in [0, 1] on a grid of the network's spacing.
        moving: CT after the global alignment on the same grid, in [0, 1].
        options: size and overlap of the blocks.
    """
    options = options or BlockOptions()
    images = _padded(np.stack([fixed, moving]).astype(np.float32, copy=False))
    depth, height, width = images.shape[1:]
    spans = block_spans(depth, height * width, options)
    weights = blend_weights(spans, depth, options)
    result = np.zeros((depth // 2, height // 2, width // 2, 3), np.float32)
    for (start, stop), weight in zip(spans, weights, strict=True):
        velocity = np.moveaxis(network.velocity(images[:, start:stop]), 0, -1)
        rows = slice(start // 2, stop // 2)
        result[rows] += weight[rows, None, None, None] * velocity
    nz, ny, nx = (-(-n // 2) for n in fixed.shape)
    return np.ascontiguousarray(result[:nz, :ny, :nx])


def block_spans(depth: int, area: int, options: BlockOptions) -> list[tuple[int, int]]:
    """First and past-last slice of each block, multiples of 16 that cover `depth` slices.

    Args:
        depth: slices, a multiple of 16.
        area: voxels of a slice.
        options: size and overlap of the blocks.
    """
    length = max(options.voxels // area // MULTIPLE * MULTIPLE, options.overlap + MULTIPLE)
    if depth <= length:
        return [(0, depth)]
    starts = [*range(0, depth - length, length - options.overlap), depth - length]
    return [(start, start + length) for start in starts]


def blend_weights(
    spans: list[tuple[int, int]], depth: int, options: BlockOptions
) -> list[NDArray[np.float32]]:
    """Weight (depth/2,) of each block at every velocity slice; together they are 1 everywhere.

    A block's weight rises as a Hann window from its margin to the far side of the overlap.
    """
    middle = 2.0 * np.arange(depth // 2) + 1
    ramp = options.overlap - 2 * options.margin
    windows = []
    for start, stop in spans:
        rise = _hann((middle - start - options.margin) / ramp) if start > 0 else np.ones_like(middle)
        fall = _hann((stop - options.margin - middle) / ramp) if stop < depth else np.ones_like(middle)
        windows.append(rise * fall)
    total = np.sum(windows, 0)
    return [(window / total).astype(np.float32) for window in windows]


def _hann(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth step from 0 to 1 while `share` goes from 0 to 1."""
    return np.sin(np.pi / 2 * np.clip(share, 0, 1)) ** 2


def _padded(images: Volume) -> Volume:
    """Images (2, Z, Y, X) with empty voxels after the last ones, up to multiples of 16."""
    extra = [(0, -n % MULTIPLE) for n in images.shape[1:]]
    return np.pad(images, [(0, 0), *extra])
