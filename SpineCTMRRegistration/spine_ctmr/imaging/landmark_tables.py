"""Landmarks in tables: CSV or TSV with names and coordinates in mm."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ..errors import InputError

_NAMES = ("name", "label", "vertebra", "level")
_COORDINATES = {"lps": ("l", "p", "s"), "ras": ("r", "a", "s"), "xyz": ("x", "y", "z")}
_EXAMPLE = "name,x,y,z in LPS mm"


def table_rows(text: str, path: Path) -> list[tuple[str, list[str], str]]:
    """Name, three coordinates as written, and their system ("lps" or "ras") of every row.

    Titles are name, x, y, z (LPS), or those of 3D Slicer (label, l, p, s or r, a, s); without them there
    are four columns. Decimal commas become points.

    Raises:
        InputError: the columns cannot be told, or a row has other ones.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return []
    separator = max(";\t,", key=lines[0].count)
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    ]
    titles = [cell.lower().removesuffix("_mm").removesuffix(" (mm)") for cell in rows[0]]
    name = next((titles.index(title) for title in _NAMES if title in titles), None)
    system = next((key for key, found in _COORDINATES.items() if set(found) <= set(titles)), None)
    if name is None or system is None:
        if len(rows[0]) != 4 or not _is_number(_with_point(rows[0][1])):
            raise InputError(f"{path} has no columns with a name and three coordinates; give {_EXAMPLE}.")
        return [(row[0], [_with_point(cell) for cell in row[1:]], "lps") for row in rows]
    columns = [titles.index(title) for title in _COORDINATES[system]]
    defined = titles.index("defined") if "defined" in titles else None
    for row in rows[1:]:
        if len(row) < len(titles) or any(row[len(titles) :]):
            raise InputError(
                f"{path} has {len(row)} cells in the row of {row[0]}, but {len(titles)} titles; give each "
                "row a cell for every title, and write decimals with a point."
            )
    return [
        (row[name], [_with_point(row[c]) for c in columns], "ras" if system == "ras" else "lps")
        for row in rows[1:]
        if defined is None or row[defined].lower() not in ("0", "false")
    ]


def _with_point(cell: str) -> str:
    return cell.replace(",", ".")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
