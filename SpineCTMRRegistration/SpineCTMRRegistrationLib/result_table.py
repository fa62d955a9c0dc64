"""The quality figures as a table node."""

from __future__ import annotations

import json

import slicer
import vtk

from .decisions import COLUMNS, SIGN_OFF
from .vertebra_table import QualityReport

QUALITY = "SpineCTMRRegistration.Quality"
"""Attribute of the table: the whole quality.json."""
UNITS = ("mm", "deg")


def fill_table(table: slicer.vtkMRMLTableNode, quality: QualityReport) -> None:
    """Write a row per vertebra: name, flag, reason and figures; the verdict is the description."""
    table.SetAttribute(QUALITY, json.dumps(json.loads(quality.text)))
    table.SetAttribute(SIGN_OFF, None)  # it was of another result
    table.SetDescription(" ".join([quality.verdict, *quality.warnings]))
    table.RemoveAllColumns()
    table.SetUseColumnTitleAsColumnHeader(True)
    rows = quality.rows
    _add_column(table, "vertebra", [row.name for row in rows])
    _add_column(table, "flag", [row.flag for row in rows])
    _add_column(table, "reason", [row.reason for row in rows])
    for key in COLUMNS:
        _add_column(table, key, ["" for _ in rows])
    for key in rows[0].figures if rows else ():
        values = [row.figures.get(key) for row in rows]
        _add_column(table, key, ["" if value is None else f"{value:g}" for value in values])


def _add_column(table: slicer.vtkMRMLTableNode, key: str, texts: list[str]) -> None:
    column = vtk.vtkStringArray()
    column.SetName(key)
    for text in texts:
        column.InsertNextValue(text)
    table.AddColumn(column)
    *words, last = key.split("_")
    unit = last if last in UNITS else ""
    table.SetColumnTitle(key, " ".join(words).capitalize() + f" ({unit})" if unit else _title(key))
    if unit:
        table.SetColumnUnitLabel(key, unit)


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()
