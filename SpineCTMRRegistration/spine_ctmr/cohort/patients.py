"""The patients of a study, from a table or a BIDS folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..process.untrusted import untrusted

NEEDED = ("case", "ct", "mr", "vertebrae")
FILES = ("ct", "mr", "vertebrae", "mr_landmarks", "mr_vertebrae")
"""Columns that hold a path, absolute or from the table's folder."""
TEXTS = ("ct_series", "mr_series", "label_scheme", "mr_label_scheme")
"""Columns that `spine-ctmr register` takes as they are."""
COUNT = "vertebra_count"
"""How many vertebrae the labels hold: what a patient's job asks for follows from it."""
COLUMNS = (*NEEDED, *FILES[3:], *TEXTS, COUNT)
CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_VERTEBRAE = 27


@dataclass(frozen=True)
class Patient:
    """One row of the table.

    Attributes:
        case: the patient's name in the study, which names the folder of results too.
        files: absolute paths by the column they came from: ct, mr, vertebrae, mr_landmarks, mr_vertebrae.
        texts: the other options of `spine-ctmr register`, by column.
        vertebra_count: of the labels; None = not told.
    """

    case: str
    files: Mapping[str, Path]
    texts: Mapping[str, str] = field(default_factory=dict)
    vertebra_count: int | None = None

    @property
    def words(self) -> list[str]:
        """What `spine-ctmr register` is told of this patient, without the output."""
        options = {name: str(value) for name, value in (*self.files.items(), *self.texts.items())}
        positional = [options.pop("ct"), options.pop("mr")]
        named = [f"{_option(name)}={value}" for name, value in options.items()]
        return [*positional, *named]


def read_patients(path: Path) -> tuple[Patient, ...]:
    """The patients of a table, or of a BIDS folder.

    Raises:
        InputError: with the number of the line: the table cannot be read, a column or a cell is unusable, or
            a file does not exist.
    """
    if path.is_dir():
        from .bids import bids_patients

        return bids_patients(path)
    with untrusted(path):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"The table '{path}' is no text in UTF-8; save it as tab-separated text."
            ) from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 2:
        raise InputError(f"The table '{path}' holds no patients; give a line of titles and one per patient.")
    titles = _titles(path, *lines[0])
    patients: dict[str, Patient] = {}
    for number, line in lines[1:]:
        try:
            patient = _patient(dict(_cells(titles, line)), path.parent)
            if patient.case.lower() in {case.lower() for case in patients}:
                raise InputError(f"the case '{patient.case}' is there twice; give every case its own name")
        except InputError as error:
            raise InputError(f"The table '{path}', line {number}: {error}.") from error
        patients[patient.case] = patient
    return tuple(patients.values())


def _option(column: str) -> str:
    return f"--{column.replace('_', '-')}"


def _titles(path: Path, number: int, line: str) -> list[str]:
    titles = [title.strip().lower() for title in line.split("\t")]
    where = f"The table '{path}', line {number}:"
    if len(titles) == 1:
        raise InputError(f"{where} there is only one column; separate {', '.join(NEEDED)} by tabs.")
    if missing := [title for title in NEEDED if title not in titles]:
        raise InputError(f"{where} there is no column {' and no '.join(missing)}; add it to the titles.")
    for title in titles:
        if title not in COLUMNS:
            raise InputError(f"{where} there is no column '{title}'; known are {', '.join(COLUMNS)}.")
        if titles.count(title) > 1:
            raise InputError(f"{where} the column '{title}' is there twice; leave one.")
    return titles


def _cells(titles: list[str], line: str) -> Iterator[tuple[str, str]]:
    """Title and content of every cell that is not empty."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) > len(titles):
        raise InputError(f"it has {len(cells)} cells under {len(titles)} titles; separate cells by one tab")
    for title, cell in zip(titles, cells, strict=False):
        if cell and cell != "n/a":  # so BIDS writes what is missing
            yield title, cell


def _patient(cells: Mapping[str, str], folder: Path) -> Patient:
    if missing := [name for name in NEEDED if name not in cells]:
        raise InputError(f"there is no {' and no '.join(missing)}; fill it in")
    case = cells["case"]
    if not CASE.fullmatch(case):
        raise InputError(f"the case '{case}' cannot name a folder; use letters, digits, '.', '_' and '-'")
    if "mr_landmarks" in cells and "mr_vertebrae" in cells:
        raise InputError("mr_landmarks and mr_vertebrae are both given; give one of them")
    files = {name: (folder / cells[name]).absolute() for name in FILES if name in cells}
    for name, path in files.items():
        if not path.exists():
            raise InputError(f"the {name} '{cells[name]}' does not exist; correct the path")
    texts = {name: cells[name] for name in TEXTS if name in cells}
    return Patient(case, files, texts, _count(cells[COUNT]) if COUNT in cells else None)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_VERTEBRAE:
        raise InputError(f"the {COUNT} '{text}' is no whole number from 1 to {MOST_VERTEBRAE}; correct it")
    return int(text)
