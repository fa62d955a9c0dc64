"""The rows of the panel's two vertebra tables: what goes in, and what came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spine_ctmr.errors import InputError
from spine_ctmr.imaging.slicer_segments import Segment, numbered_segments
from spine_ctmr.imaging.vertebra_names import (
    SACRUM,
    VERSE_NUMBERS,
    cranial_to_caudal,
    landmark_number,
    vertebra_name,
    vertebra_number,
)
from spine_ctmr.results import names

NOT_FIGURES = ("name", "number", "flag", "reason")

GOOD = "good"
"""The flag of a vertebra that no check has raised a doubt about."""
FLAG_COLORS: Mapping[str, tuple[float, float, float]] = {
    GOOD: (0.78, 0.93, 0.78),
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
        number: VerSe number of a label that has no name, by the numbering of its label map; 0 for none, None
            where the name decides.
    """

    segment_id: str
    name: str
    meanings: tuple[str, ...] = ()
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    number: int | None = None


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
        return flag_color(self.flag)


@dataclass(frozen=True)
class QualityReport:
    """What quality.json says.

    Attributes:
        verdict: the table in one sentence.
        rows: from cranial to caudal.
        overall: figures of the whole registration by their key.
        warnings: one sentence each.
        text: the whole file.
    """

    verdict: str
    rows: tuple[ResultRow, ...]
    overall: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    text: str = ""


def flag_color(flag: str) -> tuple[float, float, float]:
    """Background of a flag, RGB from 0 to 1; one that is not known looks like a doubt."""
    return FLAG_COLORS.get(flag, FLAG_COLORS["check"])


def vertebra_choices() -> tuple[str, ...]:
    """All vertebra names from "C1" to "S1", for the editor of a row."""
    return tuple(vertebra_name(n) for n in cranial_to_caudal(VERSE_NUMBERS))


def segment_rows(
    segments: Sequence[SegmentInfo],
    overrides: Mapping[str, str] | None = None,
    mr_names: Iterable[str] | None = None,
) -> list[SegmentRow]:
    """The rows of a segmentation: vertebrae from cranial to caudal, then the others in their order.

    Args:
        segments: of the CT.
        overrides: vertebra name by segment id, for segments whose name means nothing; "" for none.
        mr_names: names of the MR landmarks or segments; None if the level is found by the images.
    """
    read = _read_names(segments)
    chosen = {key: vertebra_number(name) for key, name in (overrides or {}).items()}
    numbers = {s.segment_id: read[s.segment_id] or chosen.get(s.segment_id) for s in segments}
    counts = Counter(n for n in numbers.values() if n is not None)
    in_mr = None if mr_names is None else {landmark_number(name) for name in mr_names}
    order: list[int | None] = [*cranial_to_caudal(VERSE_NUMBERS), None]
    ordered = sorted(segments, key=lambda s: order.index(read[s.segment_id]))
    return [
        SegmentRow(
            segment_id=segment.segment_id,
            name=segment.name,
            color=segment.color,
            vertebra=None if number is None else vertebra_name(number),
            editable=read[segment.segment_id] is None,
            in_mr=None if in_mr is None else number is not None and number in in_mr,
            problem=_problem(number, counts),
        )
        for segment in ordered
        for number in [numbers[segment.segment_id]]
    ]


def missing(rows: Sequence[SegmentRow]) -> str | None:
    """What keeps these segments from being registered, in one sentence; None if nothing does."""
    if not any(row.vertebra for row in rows):
        return "No segment is named after a vertebra; say in the table which vertebra each one is."
    problems = [row.problem for row in rows if row.problem]
    if problems:
        return problems[0]
    if rows[0].in_mr is not None and not any(row.in_mr for row in rows):
        return "The MR names none of these vertebrae; name its landmarks or segments like the CT's segments."
    return None


def read_quality(results: Path) -> QualityReport:
    """The content of quality.json in a folder of results.

    Raises:
        InputError: the file is missing or not valid.
    """
    path = results / names.QUALITY
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path.name} of the results cannot be read; register again.") from error
    return parse_quality(text, path.name)


def parse_quality(text: str, source: str) -> QualityReport:
    """What the text of a quality.json says.

    Raises:
        InputError: it is not valid; the sentence names `source`.
    """
    try:
        content = json.loads(text)
        return QualityReport(
            verdict=content["verdict"],
            rows=tuple(_result_row(vertebra) for vertebra in content["vertebrae"]),
            overall=content["overall"],
            warnings=tuple(content["warnings"]),
            text=text,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source} holds no quality figures; register again.") from error


def _result_row(vertebra: Mapping[str, Any]) -> ResultRow:
    figures = {key: value for key, value in vertebra.items() if key not in NOT_FIGURES}
    return ResultRow(vertebra["name"], vertebra["flag"], vertebra["reason"], figures)


def _read_names(segments: Sequence[SegmentInfo]) -> dict[str, int | None]:
    """VerSe number by segment id, as the command reads a segmentation file."""
    named = [s for s in segments if s.number is None]
    listed = [Segment(i, s.name, s.meanings, i, 0) for i, s in enumerate(named)]
    try:
        numbers = numbered_segments(listed, Path())[0] if listed else {}
    except InputError:  # no vertebra, or one named twice: the rows say so
        numbers = {s: s.number for s in listed if s.number is not None}
    found = {s.segment_id: numbers.get(entry) for s, entry in zip(named, listed, strict=True)}
    return {s.segment_id: found.get(s.segment_id, s.number or None) for s in segments}


def _problem(number: int | None, counts: Mapping[int, int]) -> str:
    if number is None or counts[number] == 1 or number == SACRUM:
        return ""
    return f"{counts[number]} segments are named {vertebra_name(number)}; keep one of them."
