"""Tables that name the values of a label map, in the forms in which programs write them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from .label_schemes import AUTO, LabelScheme
from .vertebra_names import vertebra_number

_CARET = re.compile(
    r'<Label\b[^>]*\bKey="(-?\d+)"[^>]*>\s*(?:<!\[CDATA\[(.*?)\]\]>|(.*?))\s*</Label>', re.DOTALL
)
"""Connectome Workbench's label table, which TotalSegmentator writes into NIfTI headers."""
_ITK_SNAP = re.compile(r'^\s*(\d+)(?:\s+[\d.]+){4,6}\s+"(.*)"\s*$')
"""ITK-SNAP: index, red, green, blue, alpha, visibility, mesh, "name"."""
_SLICER = re.compile(r"^\s*(\d+)\s+(\S+)(?:\s+\d+){3,4}\s*$")
"""A colour table of 3D Slicer (.ctbl) or FreeSurfer: index, name, red, green, blue, alpha."""
_VALUE_KEYS = ("value", "labelvalue", "label_value", "index", "id", "label", "labelid", "key")
_NAME_KEYS = ("name", "structure", "segmentname", "label_name", "labelname", "description")


def table_of(text: str) -> dict[int, str]:
    """Name by label value in a text of any known form; empty if there is none."""
    if found := [(int(m[1]), unescape(m[2] or m[3] or "")) for m in _CARET.finditer(text)]:
        return dict(found)
    if (content := _json(text)) is not None:
        return dict(_pairs(content))
    return _rows(text) or _columns(text)


def named_scheme(table: Mapping[int, str]) -> LabelScheme | None:
    """The vertebrae that a table names; None if it names none."""
    numbers = {
        value: n
        for value, name in table.items()
        if value > 0 and not name.strip().isdecimal() and (n := vertebra_number(name)) is not None
    }
    if not numbers:
        return None
    return LabelScheme(AUTO, "the names that come with it", numbers, frozenset(table) - frozenset(numbers))


def _json(text: str) -> Any:
    start = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1)
    if start < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text[start:])[0]
    except (ValueError, RecursionError):
        return None


def _pairs(content: Any) -> Iterator[tuple[int, str]]:
    """(value, name) of what can be one in a JSON document.

    That is nnU-Net's "labels" in both versions ({"L1": 1}, {"1": "L1"}), and objects with a value and a name.
    """
    if isinstance(content, list):
        for item in content:
            yield from _pairs(item)
    if not isinstance(content, dict):
        return
    if isinstance(content.get("labels"), dict | list):
        yield from _pairs(content["labels"])
        return
    lower = {str(key).lower(): value for key, value in content.items()}
    value = next((lower[k] for k in _VALUE_KEYS if isinstance(lower.get(k), int)), None)
    name = next((lower[k] for k in _NAME_KEYS if isinstance(lower.get(k), str)), None)
    if value is not None and name is not None:
        yield value, name
    for key, item in content.items():
        if isinstance(item, str) and re.fullmatch(r"\d+", str(key)):
            yield int(key), item
        elif isinstance(item, int) and not isinstance(item, bool) and str(key).lower() not in _VALUE_KEYS:
            yield item, str(key)
        elif isinstance(item, dict | list):
            yield from _pairs(item)


def _rows(text: str) -> dict[int, str]:
    found = (_ITK_SNAP.match(line) or _SLICER.match(line) for line in text.splitlines())
    return {int(m[1]): m[2] for m in found if m}


def _columns(text: str) -> dict[int, str]:
    """A table with a line of titles, separated by commas, semicolons or tabs."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return {}
    separator = max(",;\t", key=lines[0].count)
    titles = [title.strip().lower().replace(" ", "") for title in lines[0].split(separator)]
    value = next((titles.index(key) for key in _VALUE_KEYS if key in titles), None)
    name = next((titles.index(key) for key in _NAME_KEYS if key in titles), None)
    if value is None or name is None:
        return {}
    rows = csv.reader(io.StringIO("\n".join(lines[1:])), delimiter=separator)
    return {
        int(row[value]): row[name].strip()
        for row in rows
        if len(row) > max(value, name) and row[value].strip().isdecimal()
    }
