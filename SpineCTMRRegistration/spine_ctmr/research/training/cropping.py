"""Training samples cut out of larger pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...network.preprocessing import scale_ct, scale_mr
from .batch import Batch

Window = tuple[slice, slice, slice]


def random_window(rng: np.random.Generator, shape: tuple[int, ...], crop: tuple[int, int, int]) -> Window:
    """A part (z, y, x) of an array, `crop` (x, y, z) voxels large."""
    sides = crop[::-1]
    starts = [int(rng.integers(n - c + 1)) for n, c in zip(shape, sides, strict=True)]
    z, y, x = (slice(s, s + c) for s, c in zip(starts, sides, strict=True))
    return z, y, x


def make_sample(
    mr: NDArray[Any],
    ct: NDArray[Any],
    ct_labels: NDArray[Any],
    seen: NDArray[Any],
    displacement: NDArray[Any] | None = None,
    mr_labels: NDArray[Any] | None = None,
    mirrored: bool = False,
    ct_in_mr: NDArray[Any] | None = None,
    mr_in_ct: NDArray[Any] | None = None,
) -> Batch:
    """A batch of one pair on one grid, its intensities scaled for the network.

    Args:
        mr: (z, y, x), any unit.
        ct: (z, y, x) HU.
        ct_labels: (z, y, x) vertebra numbers in the CT.
        seen: (z, y, x), 1 where the MR has a field of view.
        displacement: (z, y, x, 3) true displacement in mm, if known.
        mr_labels: (z, y, x) vertebra numbers in the MR, if known.
        mirrored: swap left and right.
        ct_in_mr: (z, y, x) HU, the CT of a pre-aligned pair in the MR's frame, if there is one.
        mr_in_ct: (z, y, x), its MR in the CT's frame.
    """
    field = None if displacement is None else np.moveaxis(displacement.astype(np.float32), -1, 0)
    if mirrored and field is not None:
        field = field * np.array([-1, 1, 1], np.float32)[:, None, None, None]

    def tensor(values: NDArray[Any] | None, kind: torch.dtype) -> torch.Tensor | None:
        if values is None:
            return None
        side = values[..., ::-1] if mirrored else values
        channels = side if side.ndim == 4 else side[None]
        return torch.from_numpy(np.ascontiguousarray(channels))[None].to(kind)

    arrays = {
        "fixed": tensor(scale_mr(mr), torch.float32),
        "moving": tensor(scale_ct(ct), torch.float32),
        "labels": tensor(ct_labels, torch.int64),
        "weight": tensor(seen, torch.float32),
        "displacement": tensor(field, torch.float32),
        "fixed_labels": tensor(mr_labels, torch.int64),
        "ct_in_mr": tensor(None if ct_in_mr is None else scale_ct(ct_in_mr), torch.float32),
        "mr_in_ct": tensor(None if mr_in_ct is None else scale_mr(mr_in_ct), torch.float32),
    }
    return Batch(**{name: values for name, values in arrays.items() if values is not None})
