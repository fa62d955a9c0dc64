"""The rows of the panel's two vertebra tables: what goes in, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FLAG_COLORS: Mapping[str, tuple[float, float, float]] = {
    "good": (0.78, 0.93, 0.78),
    "check": (1.0, 0.92, 0.66),
    "do not use": (0.98, 0.75, 0.72),
}
"""Background colours of the flags, RGB from 0 to 1; black text is readable on them."""


@dataclass(frozen=True)
class SegmentInfo:
    """A segment of a node.

    Attributes:
        segment_id: identifier in its node; the label value of a label map.
        name: as the user sees it.
        meanings: terminology type and category names, most specific last.
        color: RGB from 0 to 1.
    """

    segment_id: str
    name: str
    meanings: tuple[str, ...] = ()
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class SegmentRow:
    """One row of the input table.

    Attributes:
        vertebra: short name such as "L1", None if it is read as no vertebra.
        editable: whether its name means nothing, so that the user may say what it is.
        in_mr: whether the MR landmarks or segmentation name it too; None when there are none.
        problem: one sentence if the row cannot be used as it is, such as a name given twice; else "".
    """

    segment_id: str
    name: str
    color: tuple[float, float, float]
    vertebra: str | None
    editable: bool
    in_mr: bool | None
    problem: str = ""


@dataclass(frozen=True)
class ResultRow:
    """One vertebra of a result.

    Attributes:
        name: such as "L4".
        flag: "good", "check" or "do not use".
        reason: one line that explains the flag.
        figures: all measured figures of quality.json by their key; None = not measured.
    """

    name: str
    flag: str
    reason: str
    figures: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def color(self) -> tuple[float, float, float]:
        """Background of the row, RGB from 0 to 1."""
        raise NotImplementedError


@dataclass(frozen=True)
class Quality:
    """What quality.json says.

    Attributes:
        verdict: the table in one sentence.
        rows: from cranial to caudal.
        overall: figures of the whole registration by their key.
        warnings: one sentence each.
    """

    verdict: str
    rows: tuple[ResultRow, ...]
    overall: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def vertebra_choices() -> tuple[str, ...]:
    """All vertebra names from "C1" to "S1", for the editor of a row."""
    raise NotImplementedError


def segment_rows(
    segments: Sequence[SegmentInfo],
    overrides: Mapping[str, str] | None = None,
    mr_names: Iterable[str] | None = None,
) -> list[SegmentRow]:
    """The rows of a segmentation, in its order.

    Args:
        segments: of the CT.
        overrides: vertebra name by segment id, for segments whose name means nothing; "" for none.
        mr_names: names of the MR landmarks or segments; None if the level is found by the images.
    """
    raise NotImplementedError


def missing(rows: Sequence[SegmentRow]) -> str | None:
    """What keeps these segments from being registered, in one sentence; None if nothing does."""
    raise NotImplementedError


def read_quality(results: Path) -> Quality:
    """The content of quality.json in a folder of results.

    Raises:
        InputError: the file is missing or not valid.
    """
    raise NotImplementedError
