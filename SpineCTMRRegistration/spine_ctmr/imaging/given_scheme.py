"""A numbering as the user gives it on the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from .label_schemes import AUTO, BY_NAME, LabelScheme
from .label_tables import named_scheme, table_of
from .vertebra_names import vertebra_name, vertebra_number

_PAIR = re.compile(r"\s*(\d+)\s*=\s*(.+?)\s*")
CHOICES = ", ".join([AUTO, *BY_NAME])
"""Names of schemes, for messages."""


def given_scheme(text: str | None) -> LabelScheme | None:
    """The scheme that a text asks for: a name, "1=L3,2=L4", or a file of names; None for "auto" or nothing.

    Files: nnU-Net's dataset.json, ITK-SNAP's label descriptions, a colour table of 3D Slicer, CSV or TSV with
    titles.

    Raises:
        InputError: the text is none of these.
    """
    if text is None or text == AUTO:
        return None
    if not isinstance(text, str):
        raise InputError(f"The label scheme is a {type(text).__name__}; give text, such as 1=L3,2=L4.")
    if text in BY_NAME:
        return BY_NAME[text]
    if "=" in text:
        return _listed(text)
    if not Path(text).is_file():
        raise InputError(
            f"The label scheme '{text}' is unknown; give one of {CHOICES}, pairs such as 1=L3,2=L4, or a file"
            " of names."
        )
    return _in_file(Path(text))


def _listed(text: str) -> LabelScheme:
    numbers = {}
    for part in text.split(","):
        pair = _PAIR.fullmatch(part)
        number = vertebra_number(pair[2]) if pair else None
        if pair is None or number is None:
            raise InputError(f"The label scheme '{text}' has no vertebra in '{part}'; write it as 1=L3,2=L4.")
        if int(pair[1]) in numbers:
            raise InputError(f"The label scheme '{text}' names label {pair[1]} twice; keep one of them.")
        numbers[int(pair[1])] = number
    return LabelScheme(text, "the given levels", numbers)


def _in_file(path: Path) -> LabelScheme:
    try:
        scheme = named_scheme(table_of(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError):
        scheme = None
    if scheme is None:
        raise InputError(
            f"The label scheme '{path}' names no vertebra; give nnU-Net's dataset.json, ITK-SNAP's label"
            " descriptions, a colour table of 3D Slicer, or a CSV with the titles label and name."
        )
    pairs = ",".join(f"{label}={vertebra_name(number)}" for label, number in scheme.numbers.items())
    return replace(scheme, name=pairs, title="the given names")
