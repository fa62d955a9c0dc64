"""The histogram of det J in bone as an SVG drawing (van Ulsen 2022, figure 4.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BIN = 0.01
SHOWN = (0.9, 1.1)
"""Determinants shown; what lies beyond is counted in the outermost bins."""
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 190, 48, 40, 12
TICKS = {0.9: "start", 0.95: "middle", 1.0: "middle", 1.05: "middle", 1.1: "end"}


def bone_histogram(determinants: NDArray[Any]) -> str:
    """The drawing of the determinants (n,) at bone voxels: share of voxels per bin of 0.01."""
    values = np.asarray(determinants, float)
    values = values[np.isfinite(values)]
    if not values.size:
        return ""
    shares = bin_shares(values)
    top = max(float(shares.max()), 1e-9)
    width = (WIDTH - LEFT) / len(shares)
    floor = HEIGHT - BOTTOM
    bars = []
    for index, share in enumerate(shares):
        height = (floor - TOP) * share / top
        if height > 0:
            x = LEFT + index * width
            bars.append(
                f'<rect x="{x:.1f}" y="{floor - height:.1f}" width="{width - 1:.1f}" height="{height:.1f}"/>'
            )
    texts = [
        f'<text x="{_column(tick):.1f}" y="{floor + 16}" text-anchor="{anchor}">{_label(tick)}</text>'
        for tick, anchor in TICKS.items()
    ]
    texts.append(f'<text x="{LEFT - 5}" y="{TOP + 9}" text-anchor="end">{100 * top:.0f} %</text>')
    texts.append(f'<text x="{LEFT - 5}" y="{floor}" text-anchor="end">0</text>')
    middle = (LEFT + WIDTH) / 2
    texts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">det J at bone voxels</text>')
    summary = describe(values)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Histogram of det J in bone: {summary}">'
        f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH}" fill="none" stroke="#555"/>'
        f'<g fill="#0a4a82">{"".join(bars)}</g><g font-size="12" fill="#1b1b1b">{"".join(texts)}</g></svg>'
    )


def bin_shares(values: NDArray[Any]) -> NDArray[np.float64]:
    """Share of `values` (n,) in every bin from 0.9 to 1.1, bins centred at multiples of 0.01."""
    low, high = SHOWN
    count = round((high - low) / BIN) + 1
    index = np.clip(np.rint((values - low) / BIN).astype(int), 0, count - 1)
    return np.bincount(index, minlength=count) / values.size


def describe(values: NDArray[Any]) -> str:
    """Mean and SD in words."""
    return f"mean {values.mean():.3f}, SD {values.std():.3f} over {values.size} bone voxels"


def _column(determinant: float) -> float:
    low, high = SHOWN
    width = (WIDTH - LEFT) / (round((high - low) / BIN) + 1)
    return LEFT + ((determinant - low) / BIN + 0.5) * width


def _label(tick: float) -> str:
    ends = {SHOWN[0]: f"≤ {tick:g}", SHOWN[1]: f"≥ {tick:g}"}
    return ends.get(tick, f"{tick:g}")
