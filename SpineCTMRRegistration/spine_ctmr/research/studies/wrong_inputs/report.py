"""The table of what is caught, harmless and accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....choices import Quality
from ....evaluation.markdown import header, line
from ..kernel import Row, Values, write_page
from .outcome import ACCEPTED, DOUBTED, FAILED, HARMLESS, OWN_SHARE, REFUSED, TOLERATED_MM, outcome
from .wrong_input import WrongInput

PAGE = "wrong-inputs.md"
UNTOLD = f"{ACCEPTED} \\*"
MEANINGS = {
    REFUSED: "not registered; a sentence names the input and the mend",
    FAILED: "registered, and the result is marked as failed",
    DOUBTED: 'registered, and no vertebra that is wrong is called "good"',
    HARMLESS: "registered, and nothing is wrong",
    ACCEPTED: 'a wrong vertebra is called "good"',
    UNTOLD: "the same, where nothing in the images tells: the report says so",
}


def write_report(output: Path, wrongs: Sequence[WrongInput], quality: Quality, rows: Sequence[Row]) -> Path:
    """Write the page; return its path."""
    return write_page(output / PAGE, _lines(wrongs, quality, rows))


def _lines(wrongs: Sequence[WrongInput], quality: Quality, rows: Sequence[Row]) -> list[str]:
    patients = {row.patient: row.kind for row in rows}
    found = {(row.method, row.patient): row.values for row in rows}
    untold = {wrong.name for wrong in wrongs if wrong.untold}
    counts = Counter(_counted_as(row.values, row.method in untold) for row in rows)
    lines = [
        "# Wrong inputs",
        "",
        f"`spine-ctmr wrong-inputs` makes the inputs of patients whose truth is known wrong in {len(wrongs)} "
        f"ways, registers them in quality *{quality}*, through files as a user would, and compares with the "
        "truth.",
        "",
        f"A vertebra is wrong where its bone ends more than {TOLERATED_MM:g} mm from its true place on "
        f"average, or less than {100 * OWN_SHARE:.0f} % of its label lie on the bone that it names and "
        f"less than {100 * OWN_SHARE:.0f} % of that bone in the label.",
        "",
        *header(["outcome", "means", "registrations"]),
        *(line([word, meaning, str(counts[word])]) for word, meaning in MEANINGS.items()),
        "",
        "Behind the outcome: how many vertebrae are called good, and the largest error of a bone in mm.",
        "",
        *header(["what is wrong", *(f"{kind}, {name}" for name, kind in patients.items())]),
    ]
    for wrong in wrongs:
        cells = [_cell(found.get((wrong.name, patient)), wrong) for patient in patients]
        lines.append(line([wrong.title, *cells]))
    starred = {row.method for row in rows if _counted_as(row.values, row.method in untold) == UNTOLD}
    notes = dict.fromkeys(wrong.untold for wrong in wrongs if wrong.name in starred)
    lines += ["", *(f"\\* {note}" for note in notes), "", "## Sentences", ""]
    lines += header(["what is wrong", "patient", "what the user is told"])
    for wrong in wrongs:
        for patient in patients:
            if (values := found.get((wrong.name, patient))) is not None:
                lines.append(line([wrong.title, patient, _told(values)]))
    return lines


def _counted_as(values: Values, untold: bool) -> str:
    word = outcome(values)
    return UNTOLD if word == ACCEPTED and untold else word


def _cell(values: Values | None, wrong: WrongInput) -> str:
    """The outcome, how many vertebrae are good, and the largest error."""
    if values is None:
        return "–"
    word = outcome(values)
    if word == REFUSED:
        return word
    vertebrae: Mapping[str, Mapping[str, Any]] = values["vertebrae"]
    good = sum(found["flag"] == "good" for found in vertebrae.values())
    errors = [found["error_mm"] for found in vertebrae.values() if found["error_mm"] is not None]
    worst = f", {max(errors):.1f} mm" if errors else ""
    counted = _counted_as(values, bool(wrong.untold))
    shown = counted.replace(ACCEPTED, f"**{ACCEPTED}**")
    return f"{shown}: {good} of {len(vertebrae)} good{worst}"


def _told(values: Values) -> str:
    if values["refused"] is not None:
        return str(values["refused"])
    vertebrae: Mapping[str, Mapping[str, Any]] = values["vertebrae"]
    reasons = dict.fromkeys(found["reason"] for found in vertebrae.values() if found["flag"] != "good")
    return " ".join([*filter(None, [values["failed"]]), *values["warnings"], *(f"{r}." for r in reasons)])
