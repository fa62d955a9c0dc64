"""MR signals with the chemical shift: fat appears beside where it is, along the direction of readout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .anatomy import Anatomy
from .rendering import contrast_table, render
from .tissue import INDEX, TISSUES

_FATTY = ("fat", "visceral fat", "epidural fat")
_MOST_MM = 2.0
_AXES = (0.1, 0.45, 0.45)
"""How often sagittal slices are read from side to side, front to back, head to foot."""


@dataclass(frozen=True)
class ChemicalShift:
    """How far fat is displaced in an MR, and how much of the marrow's signal comes from fat.

    Attributes:
        mm: (3,) LPS mm from where fat is to where it appears; at 1.5 T and 100 to 200 Hz per pixel one to
            two pixels (Weis et al., Magn Reson Imaging 2018; 2:63).
        marrow_fat: share of the signal of marrow, 0 to 1.
    """

    mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    marrow_fat: float = 0.5

    @classmethod
    def random(cls, rng: np.random.Generator) -> ChemicalShift:
        """That of a random scanner and patient; four of ten scanners show none."""
        size = rng.uniform(0.3, _MOST_MM) * rng.choice([-1, 1]) * (rng.uniform() < 0.6)
        axis = int(rng.choice(3, p=_AXES))
        x, y, z = (float(size) if k == axis else 0.0 for k in range(3))
        return cls((x, y, z), float(rng.uniform(0.3, 0.8)))

    def fat_shares(self) -> NDArray[Any]:
        """Share (tissues,) of each tissue's signal that comes from fat."""
        shares = np.zeros(len(TISSUES))
        shares[[INDEX[name] for name in _FATTY]] = 1
        shares[INDEX["marrow"]] = self.marrow_fat
        return shares


def render_mr(
    anatomy: Anatomy,
    points: torch.Tensor,
    signals: Sequence[NDArray[Any]],
    shift: ChemicalShift,
    softness_mm: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Signals (n, k) and vertebra numbers (n,) at points (n, 3) in the CT's posture; see `render`.

    Args:
        anatomy: the patient.
        points: LPS mm; the axes of the MR are taken for those of the CT.
        signals: (tissues,) of each of k sequences.
        shift: of fat.
        softness_mm: width of edges.
    """
    table = contrast_table(list(signals))
    if not any(shift.mm):
        return render(anatomy, points, table, softness_mm)
    fat = table * torch.tensor(shift.fat_shares(), dtype=torch.float32)[:, None]
    water, labels = render(anatomy, points, table - fat, softness_mm)
    shifted, _ = render(anatomy, points - torch.tensor(shift.mm), fat, softness_mm)
    return water + shifted, labels
