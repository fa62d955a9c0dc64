"""The colours of the Jacobian heatmap, the same in pictures and in Slicer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

JACOBIAN_RANGE = (0.5, 2.0)
JACOBIAN_LABEL = "CT volume per MR volume (1 = kept)"
JACOBIAN_OPACITY = 0.8
BLUES = ((120, 180, 220), (33, 102, 172), (5, 48, 97))
REDS = ((240, 150, 115), (178, 24, 43), (103, 0, 31))
"""The arms of the diverging scale 'RdBu', from near 1 outward; the middle is transparent."""
FOLD_RGB = (240, 228, 66)


def jacobian_colors(determinant: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Colours and opacities of determinants: clear at 1, blue below, red above, folds (0 and less) marked.

    Args:
        determinant: any shape (...).

    Returns:
        RGB (..., 3) from 0 to 255 and opacity (...) from 0 to 1.
    """
    values = np.asarray(determinant)
    octaves = np.log2(np.clip(values, *JACOBIAN_RANGE))
    amount = np.abs(octaves)
    color = np.where((octaves < 0)[..., None], _shade(BLUES, amount), _shade(REDS, amount))
    opacity = JACOBIAN_OPACITY * np.minimum(1, amount * 1.6) ** 0.8
    folded = values <= 0
    color[folded] = FOLD_RGB
    return color, np.where(folded, 1.0, opacity)


def _shade(colors: tuple[tuple[int, int, int], ...], amount: NDArray[Any]) -> NDArray[Any]:
    """Interpolated colour (..., 3) at `amount` 0..1 (...)."""
    table = np.array(colors, np.float32)
    steps = np.linspace(0, 1, 256)
    fine = np.stack([np.interp(steps, np.linspace(0, 1, len(table)), channel) for channel in table.T], -1)
    return fine.astype(np.float32)[(amount * 255).astype(np.uint8)]
