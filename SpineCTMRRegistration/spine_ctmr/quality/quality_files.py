"""The quality table as files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from .flags import VertebraQuality
from .privacy import without_paths
from .spine_flags import verdict

SCHEMA = 1
"""Raised when a key changes its meaning or goes away."""

COLUMNS = tuple(field.name for field in fields(VertebraQuality))
"""Keys of one vertebra, in the order of the CSV columns."""

DECIMALS = 4
"""A tenth of a micrometre, a hundredth of a percent: finer than anything measured here."""


def write_quality_json(
    path: str | Path,
    vertebrae: Sequence[VertebraQuality],
    overall: Mapping[str, Any],
    warnings: Sequence[str] = (),
) -> None:
    """Write `quality_content` as JSON."""
    content = quality_content(vertebrae, overall, warnings)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def quality_content(
    vertebrae: Sequence[VertebraQuality], overall: Mapping[str, Any], warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """Verdict, vertebrae, overall figures and warnings; what was not measured is None."""
    return {
        "schema": SCHEMA,
        "verdict": verdict(vertebrae),
        "vertebrae": [plain(asdict(row)) for row in vertebrae],
        "overall": plain(dict(overall)),
        "warnings": [without_paths(warning) for warning in warnings],
    }


def write_quality_csv(path: str | Path, vertebrae: Sequence[VertebraQuality]) -> None:
    """Write one line per vertebra under `COLUMNS`; what was not measured stays empty."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in vertebrae:
            values = plain(asdict(row))
            writer.writerow(["" if values[key] is None else values[key] for key in COLUMNS])


def plain(value: Any) -> Any:
    """`value` in JSON's own types: numpy unwrapped, floats rounded, NaN and infinities null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return without_paths(str(value))
