"""Reasons of flags in words: where to look, and what for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .doubt import DoubtRule

NOTABLE = 1.0
"""An indicator that adds this much to the doubt is named in the reason."""


def most_doubtful(values: Sequence[float], rule: DoubtRule) -> list[str]:
    """Names of the one or two indicators that add most to the doubt."""
    added = rule.contributions(values)
    names = [indicator.name for indicator in rule.indicators]
    order = sorted(range(len(names)), key=lambda i: -added[i])
    return [names[i] for i in order[:2] if added[i] > NOTABLE] or [names[order[0]]]


def in_words(names: Sequence[str], row: Mapping[str, Any]) -> str:
    """What the named indicators of a row of `VertebraQuality` say, in one line."""
    return "; ".join(_said(name, row) for name in dict.fromkeys(names))


def _said(name: str, row: Mapping[str, Any]) -> str:
    value = float(row[name])
    if name == "match_ratio":
        return f"compare its edges in every plane: {_match(value)}"
    return _WORDS.get(name, f"{name} is {{0:.2f}}").format(value, 100 * value, **row)


_WORDS = {
    "stretch_mm": "compare its height and width: it would match best if the CT's bone were {0:.1f} mm "
    "larger or smaller",
    "level_ratio": "count the levels: the spine fits nearly as well one level up or down",
    "neighbour_disagreement_mm": "look at the joints with its neighbours: it moved {0:.1f} mm against them",
    "uncertainty_mm": "compare its end plates in every plane: the images leave its place open by {0:.1f} mm "
    "and {uncertainty_deg:.1f}°",
    "disc_offset_mm": "compare the discs above and below in the sagittal view: those of the MR lie {0:.1f} "
    "mm from those of the CT",
    "visible_share": "look at the part that the MR shows: only {1:.0f} % of the bone lies inside it",
    "overlap_share": "look at its facet joints in the axial view: {1:.0f} % of it overlaps another vertebra",
    "label_offset_mm": "correct its label in the CT: it lies {0:.0f} mm beside its bone",
    "label_contrast": "correct its label in the CT: its outline does not follow the bone",
}


def _match(ratio: float) -> str:
    worse = 100 * (1 - ratio)
    if worse <= 0:
        return "CT and MR match as well 5 mm beside"
    return f"CT and MR match only {worse:.0f} % better than 5 mm beside"
