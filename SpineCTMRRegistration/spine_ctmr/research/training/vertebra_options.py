"""Which pairs of single vertebrae a run learns from."""

from __future__ import annotations

from dataclasses import dataclass

from ...recipe_tables import require

LEVELS = range(1, 25)


@dataclass(frozen=True)
class VertebraOptions:
    """Pairs of single vertebrae instead of whole patients; the defaults are those of studies II and III.

    Attributes:
        levels: VerSe numbers; the two vertebrae of a pair have the same. One level alone is study I.
        subjects: to learn from.
        held_out: further subjects, for validation.
        pairs: of fixed and moving vertebra to learn from.
    """

    levels: tuple[int, ...] = (20, 21, 22, 23, 24)
    subjects: int = 50
    held_out: int = 10
    pairs: int = 2500

    def __post_init__(self) -> None:
        known = bool(self.levels) and set(self.levels) <= set(LEVELS)
        require(known, "vertebrae.levels", "vertebra numbers from 1 to 24")
        for name in ("subjects", "held_out"):
            require(getattr(self, name) > 1, f"vertebrae.{name}", "2 or more")
        require(self.pairs > 0, "vertebrae.pairs", "above 0")
