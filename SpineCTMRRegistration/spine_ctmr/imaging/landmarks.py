"""Vertebra landmarks from Slicer markups, plain JSON, tables, and VerSe or TPTBox centroids."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..geometry.grid import Grid
from ..json_files import Pairs, read_json
from ..process.untrusted import reads_untrusted
from .case import Centroids
from .centroid_files import is_centroid_file, stored_centres
from .landmark_tables import table_rows
from .vertebra_names import UNDERSTOOD, landmark_number, quoted_list, vertebra_name

_STATUS, _DEFINED = 14, "2"
"""Column of a .fcsv file that says whether a point is placed, and what it says then."""
_LPS, _RAS = (1.0, 1.0, 1.0), (-1.0, -1.0, 1.0)
_SYSTEMS = {"lps": _LPS, "1": _LPS, "ras": _RAS, "0": _RAS}
_EXAMPLE = '{"L1": [x, y, z], …} in LPS mm or a Slicer .mrk.json'

LandmarkSource: TypeAlias = "Mapping[str, ArrayLike] | str | os.PathLike[str]"
"""LPS mm points (3,) by vertebra name, or the path of a file of landmarks."""

Entry = tuple[str, Any, tuple[float, float, float]]
"""Name, position as written, factors to LPS."""


def read_landmarks(path: Path, image: Grid | None = None) -> Centroids:
    """LPS mm points (3,) by VerSe number.

    Plain JSON (`{"L1": [x, y, z]}`) and tables (`.csv`, `.tsv`) are in LPS mm unless their titles say RAS;
    markups (`.mrk.json`, `.fcsv`) and centroids (VerSe, SPINEPS, TPTBox) say their own coordinate system.
    Undefined points are skipped.

    Args:
        path: of the file.
        image: grid of the image that the points belong to, for centroids that are counted in its voxels.

    Raises:
        InputError: unreadable, no vertebra named, one named twice, or unusable positions.
    """
    return read_landmarks_and_warnings(path, image)[0]


@reads_untrusted
def read_landmarks_and_warnings(path: Path, image: Grid | None = None) -> tuple[Centroids, tuple[str, ...]]:
    """Like `read_landmarks`, and one warning for names that are not vertebrae."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    return _of_vertebrae(_entries(path, image), path)


def landmarks_in_memory(points: Mapping[str, ArrayLike], source: str) -> tuple[Centroids, tuple[str, ...]]:
    """Like `read_landmarks_and_warnings` of LPS mm points (3,) by name; `source` is what to call them."""
    return _of_vertebrae([(str(name), position, _LPS) for name, position in points.items()], source)


def points_or_path(given: LandmarkSource, name: str) -> Mapping[str, ArrayLike] | Path:
    """What was given, a path as `Path`; `name` is what to call it.

    Raises:
        InputError: it is neither points by name nor a path.
    """
    if isinstance(given, str | os.PathLike):
        return Path(given)
    if not isinstance(given, Mapping):
        raise InputError(
            f'{name} is a {type(given).__name__}; give {{"L1": (x, y, z), …}} in LPS mm or a path.'
        )
    return given


def _of_vertebrae(entries: Iterable[Entry], path: Path | str) -> tuple[Centroids, tuple[str, ...]]:
    """Points by vertebra, and one warning for names that are not vertebrae."""
    points: Centroids = {}
    others: list[str] = []
    for name, position, factors in entries:
        number = landmark_number(name)
        if number is None:
            others.append(name)
        elif number in points:
            raise InputError(f"{path} names {vertebra_name(number)} twice; keep one point per vertebra.")
        else:
            points[number] = _point(position, name, path) * factors
    if not points:
        found = f"found {quoted_list(others)}" if others else "it holds no points"
        raise InputError(f"{path} names no vertebra ({found}); {UNDERSTOOD} are understood.")
    if len(points) > 1 and np.ptp(np.array(list(points.values())), axis=0).max() < 1e-3:
        raise InputError(f"{path} puts all vertebrae at the same point; place each landmark in its vertebra.")
    if not others:
        return points, ()
    return points, (f"{path}: {quoted_list(others)} not recognised as vertebrae and ignored.",)


@reads_untrusted
def read_named_points(path: Path) -> dict[str, np.ndarray]:
    """LPS mm points (3,) by name, whatever the names, from the same files as `read_landmarks`.

    Raises:
        InputError: unreadable, a name twice, or unusable positions.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    points: dict[str, np.ndarray] = {}
    for name, position, factors in _entries(path, None):
        if name in points:
            raise InputError(f"{path} names {name} twice; give every point its own name.")
        points[name] = _point(position, name, path) * factors
    return points


def _entries(path: Path, image: Grid | None) -> Iterable[Entry]:
    suffix = path.suffix.lower()
    if suffix == ".fcsv":
        return _fcsv(path.read_text(encoding="utf-8-sig"), path)
    if suffix in (".csv", ".tsv", ".txt"):
        rows = table_rows(path.read_text(encoding="utf-8-sig"), path)
        return [(name, position, _SYSTEMS[system]) for name, position, system in rows]
    content = read_json(path, f"give {_EXAMPLE}", lambda pairs: _unique(pairs, path))
    if is_centroid_file(content):
        return [(c.name, c.position_mm, _LPS) for c in stored_centres(content, path, image)]
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a table of named points; give {_EXAMPLE}.")
    if "markups" in content:
        return _markups(content["markups"], path)
    system = next((key for key in content if key.lower().replace("_", "") == "coordinatesystem"), None)
    factors = _LPS if system is None else _factors(content[system], path)
    points = ((name, position) for name, position in content.items() if name != system)
    return [(name, position, factors) for name, position in points if not name.startswith("@")]


def _unique(pairs: Pairs, path: Path) -> dict[str, Any]:
    counts = Counter(key for key, _ in pairs)
    double = next((key for key, count in counts.items() if count > 1), None)
    if double is not None:
        raise InputError(f"{path} names {double} twice; keep one point per vertebra.")
    return dict(pairs)


def _markups(nodes: Any, path: Path) -> list[Entry]:
    entries: list[Entry] = []
    try:
        for node in nodes:
            unit = str(node.get("coordinateUnits", "mm")).strip("[]'\" ").lower()
            if unit not in ("mm", "millimeter"):
                raise InputError(f'{path} is in "{unit}"; save the landmarks in mm.')
            factors = _factors(node.get("coordinateSystem", "LPS"), path)
            for point in node.get("controlPoints") or []:
                if point.get("positionStatus", "defined") == "defined":
                    entries.append((str(point.get("label", "")), point.get("position"), factors))
    except (AttributeError, TypeError) as error:
        raise InputError(f"{path} is not a valid markups file; save it again from 3D Slicer.") from error
    return entries


def _fcsv(text: str, path: Path) -> list[Entry]:
    """Points of Slicer's legacy table: id, x, y, z, …, label in column 11.

    Since Slicer 5 their status is in column 14, which the file's own list of columns does not name.
    """
    factors = _RAS
    entries: list[Entry] = []
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            if key.strip().lower() == "coordinatesystem":
                factors = _factors(value, path)
        elif line.strip():
            cells = next(csv.reader([line]))
            if len(cells) < 12:
                raise InputError(f"{path} is not a valid .fcsv file; save it as .mrk.json from 3D Slicer.")
            if len(cells) <= _STATUS or cells[_STATUS].strip() == _DEFINED:
                entries.append((cells[11].strip('" '), cells[1:4], factors))
    return entries


def _factors(system: Any, path: Path) -> tuple[float, float, float]:
    key = str(system).strip().lower()
    if key not in _SYSTEMS:
        raise InputError(f'{path} has the unknown coordinate system "{system}"; save it in LPS or RAS.')
    return _SYSTEMS[key]


def _point(position: Any, name: str, path: Path | str) -> np.ndarray:
    try:
        point = np.asarray(position, float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise InputError(f"{path} has no three finite numbers for {name}; give its [x, y, z] in mm.")
    return point
