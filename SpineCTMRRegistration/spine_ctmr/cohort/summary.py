"""The study at a glance: a table for programs and a page for people, the worst first."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..process.staging import staged_file
from ..quality.flags import FLAGS
from ..report.templates import asset, filled, source
from ..report.verdict import STATEMENTS, SYMBOLS
from ..results import names
from .folders import PATIENTS
from .outcome import Came, Outcome

TABLE, PAGE = "summary.tsv", "index.html"
COLUMNS = (
    *("case", "came", "vertebrae", "good", "check", "do_not_use"),
    *("sentence", "seconds", "peak_memory_mb", "sign_off", "in_table"),
)
OTHERWISE: dict[Came, str] = {
    "failed its own checks": "failed their own checks",
    "no result": "without a result",
    "not begun": "not begun",
}
THUMBNAIL_PX = 320, 200
"""Largest width and height."""


def write_summary(study: Path, outcomes: Sequence[Outcome]) -> None:
    """Write both into the study's folder, the worst patients first.

    Raises:
        InputError: they cannot be written.
    """
    worst_first = sorted(outcomes, key=lambda outcome: (outcome.badness, outcome.case))
    with staged_file(study / TABLE) as staging:
        staging.write_text(as_table(worst_first), encoding="utf-8", newline="")
    with staged_file(study / PAGE) as staging:
        staging.write_text(_page(study, worst_first), encoding="utf-8")


def as_table(outcomes: Sequence[Outcome]) -> str:
    """A line for every patient under `COLUMNS`, cells separated by tabs."""
    text = io.StringIO()
    writer = csv.writer(text, dialect="excel-tab", lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in outcomes:
        figures = ["" if math.isnan(value) else f"{value:.1f}" for value in (one.seconds, one.peak_memory_mb)]
        counts = [len(one.flags), *(one.count(flag) for flag in FLAGS)]
        listed = "yes" if one.in_table else "no"
        writer.writerow([one.case, one.came, *counts, one.sentence, *figures, one.signed, listed])
    return text.getvalue()


def in_a_sentence(outcomes: Sequence[Outcome]) -> str:
    """How many of the table's patients came to what, and how many others there are."""
    listed = [outcome for outcome in outcomes if outcome.in_table]
    came = Counter(outcome.came for outcome in listed)
    done = [outcome for outcome in listed if outcome.came == "done"]
    good = sum(outcome.count("good") == len(outcome.flags) for outcome in done)
    parts = [f"{len(done)} of {len(listed)} patients registered, {good} with all vertebrae good"]
    parts += [f"{came[what]} {words}" for what, words in OTHERWISE.items() if came[what]]
    if others := len(outcomes) - len(listed):
        parts.append(f"{others} more in the study's folder, not in this table")
    return "; ".join(parts) + "."


def _page(study: Path, outcomes: Sequence[Outcome]) -> str:
    return filled(
        "cohort.html.j2",
        style=asset("report.css"),
        own_style=asset("cohort.css"),
        sentence=in_a_sentence(outcomes),
        outcomes=outcomes,
        thumbnails={
            one.case: _thumbnail(study / PATIENTS / one.case / names.OVERVIEW) if one.flags else ""
            for one in outcomes
        },
        folder=PATIENTS,
        names=names,
        worst={one.case: one.worst for one in outcomes},
        symbols=SYMBOLS,
        statements=STATEMENTS,
    )


def _thumbnail(path: Path) -> str:
    """A small picture as the address of an image; "" without one."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            small.thumbnail(THUMBNAIL_PX)
    except OSError:
        return ""
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=75)
    return source(stream.getvalue(), "jpeg")
