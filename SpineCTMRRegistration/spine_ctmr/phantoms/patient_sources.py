"""Which patients synthetic pairs show: random levels of a parametric spine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..imaging.vertebra_names import SACRUM, T13
from .anatomy import Anatomy, make_anatomy
from .vertebra import typical_sizes

LEVELS = (*range(1, 25), SACRUM)
_PARTS = ((range(1, 8), 0.25), (range(8, 20), 0.3), (range(20, 25), 0.45))
"""Levels in the middle of the pairs, and the share of pairs that each part of the spine gets."""
Anatomies = Callable[[np.random.Generator, float], tuple[Anatomy, int]]
"""Gives a patient with the vertebrae within a reach in mm of a random one, and the index of that one."""


def parametric_anatomy(rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
    """A random patient, and the index of the vertebra in the middle of the pair."""
    levels, middle = random_levels(rng, reach_mm)
    return make_anatomy(rng, levels), middle


@dataclass(frozen=True)
class MixedAnatomies:
    """Patients of another source, and parametric ones beside them.

    Attributes:
        other: the other source.
        share: of its patients, 0 to 1.
    """

    other: Anatomies
    share: float

    def __call__(self, rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
        """A patient and the index of the vertebra in the middle of the pair."""
        source = self.other if rng.uniform() < self.share else parametric_anatomy
        return source(rng, reach_mm)


def random_levels(rng: np.random.Generator, reach_mm: float) -> tuple[tuple[int, ...], int]:
    """A run of neighbouring levels, as scanned spines are, and the index of the one in the middle.

    The run goes on for `reach_mm` above and below the middle, as far as there are vertebrae. Some
    patients have six lumbar vertebrae, some thirteen thoracic ones.
    """
    chain = list(LEVELS)
    variant = rng.uniform()
    if variant < 0.1:
        chain.insert(chain.index(24) + 1, 25)
    elif variant < 0.13:
        chain.insert(chain.index(19) + 1, T13)
    part = _PARTS[int(rng.choice(len(_PARTS), p=[share for _, share in _PARTS]))][0]
    middle = chain.index(int(rng.choice(part)))
    heights = [typical_sizes(n)[2] + typical_sizes(n)[3] for n in chain]
    first, last = middle, middle
    while first > 0 and sum(heights[first:middle]) < reach_mm:
        first -= 1
    while last < len(chain) - 1 and sum(heights[middle:last]) < reach_mm:
        last += 1
    return tuple(chain[first : last + 1]), middle - first
