"""How a verdict looks, the same on every page."""

from __future__ import annotations

from collections.abc import Sequence

from ..quality.flags import Flag, VertebraQuality

SYMBOLS: dict[Flag, str] = {"good": "✓", "check": "?", "do not use": "✕"}
STATEMENTS = (
    "The network is trained on synthetic patients.",
    "The flags are calibrated on synthetic patients.",
    "“Good” means within 2 mm in 99 of 100 there, not within half a millimetre.",
    "Left and right and the names of the levels are those of the files: where CT and MR are wrong alike, "
    "they do not tell.",
    "For research use; not a medical device.",
)


def worst_flag(rows: Sequence[VertebraQuality], failure: str | None) -> Flag:
    """The flag of the whole result: that of its worst vertebra; without any "check"."""
    flags = {row.flag for row in rows}
    if failure or "do not use" in flags:
        return "do not use"
    return "check" if "check" in flags or not rows else "good"


def mood(rows: Sequence[VertebraQuality], failure: str | None) -> str:
    """The class of style that goes with `worst_flag`."""
    return {"good": "good", "check": "check", "do not use": "refuse"}[worst_flag(rows, failure)]
