"""Vertebral centres as VerSe, SPINEPS and TPTBox store them: a list that begins with the grid they lie on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid

_TOWARDS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}
"""LPS directions of nibabel's axis codes."""
_IN_LPS, _IN_RAS = ("itk", "lps"), ("nib", "ras")
_FLIP = np.array([-1.0, -1.0, 1.0])
_PER_REGION = 256
"""TPTBox numbers a point of a vertebra as its region times this, plus the vertebra (`LABEL_MAX`)."""
_BODY = {"0", "50", "Vertebra_Corpus"}
"""The region that is the vertebral body (TPTBox `Location`); VerSe writes none, which is the body too."""


@dataclass(frozen=True)
class StoredCentre:
    """One point: its name and LPS mm (3,)."""

    name: str
    position_mm: NDArray[Any]


def is_centroid_file(content: Any) -> bool:
    """Whether a JSON document is a list that begins with a grid."""
    return (
        isinstance(content, list)
        and bool(content)
        and isinstance(content[0], dict)
        and ("direction" in content[0] or "coordinate_system" in content[0])
    )


def stored_centres(content: Sequence[Any], path: Path, image: Grid | None) -> list[StoredCentre]:
    """The centres of vertebral bodies in a document for which `is_centroid_file` holds.

    Args:
        content: the document.
        path: where it was read.
        image: grid of the image that the points belong to, on which files without an origin count.

    Raises:
        InputError: the grid is damaged, or missing and `image` is too.
    """
    head = content[0]
    named = [(name, point) for name, point in _points(content[1:]) if point is not None]
    try:
        positions = np.array([point for _, point in named], float).reshape(-1, 3)
        located = _located(head, positions, path, image)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a valid list of centroids; save it again.") from error
    return [StoredCentre(name, position) for (name, _), position in zip(named, located, strict=True)]


def _points(entries: Sequence[Any]) -> Iterator[tuple[str, Sequence[float] | None]]:
    """Name and stored position of every point at a vertebral body."""
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        if {"label", "X", "Y", "Z"} <= set(entry):
            label = str(entry["label"])
            region, vertebra = divmod(int(label), _PER_REGION) if label.isdecimal() else (0, label)
            if str(region) in _BODY:
                yield str(vertebra), [entry["X"], entry["Y"], entry["Z"]]
            continue
        for vertebra, regions in entry.items():
            if isinstance(regions, Mapping):
                yield str(vertebra), next((p for r, p in regions.items() if r in _BODY), None)


def _located(
    head: Mapping[str, Any], positions: NDArray[Any], path: Path, image: Grid | None
) -> NDArray[Any]:
    """LPS mm (n, 3) of stored positions (n, 3)."""
    if "direction" not in head:
        system = str(head["coordinate_system"]).lower()
        if system not in (*_IN_LPS, *_IN_RAS):
            raise InputError(f'{path} has the unknown coordinate system "{system}"; save it in LPS or RAS.')
        return positions if system in _IN_LPS else positions * _FLIP
    if head.get("origin") is not None and head.get("rotation") is not None:
        steps = np.asarray(head["rotation"], float) * np.asarray(head["zoom"], float)
        return (positions @ steps.T + np.asarray(head["origin"], float)) * _FLIP
    if image is None:
        raise InputError(f"{path} gives voxels of an image, which is not known here; give points in mm.")
    return image.to_points(_indices(head, positions, path, image))


def _indices(head: Mapping[str, Any], positions: NDArray[Any], path: Path, image: Grid) -> NDArray[Any]:
    """Indices (n, 3) as (x, y, z) in the image, whose axes the file has in another order or direction."""
    codes = np.array([_TOWARDS[str(code)] for code in head["direction"]], float)
    along = codes @ image.axes
    axes = np.abs(along).argmax(1)
    if sorted(axes) != [0, 1, 2]:
        raise InputError(f"{path} has axes that are not those of its image; give points in mm.")
    spacing, size = np.array(image.spacing_mm)[axes], np.array(image.size)[axes]
    zoom = head.get("zoom")
    steps = _steps(path, positions, size, spacing) if zoom is None else np.asarray(zoom, float) / spacing
    own = positions * steps
    own = np.where(along[np.arange(3), axes] > 0, own, size - 1 - own)
    indices = np.empty_like(own)
    indices[:, axes] = own
    return indices


def _steps(path: Path, positions: NDArray[Any], size: NDArray[Any], spacing: NDArray[Any]) -> NDArray[Any]:
    """Voxels per stored unit where it is not said: VerSe counts voxels, in files called "iso" mm."""
    if re.search(r"(?<![a-z])iso(?![a-z])", path.name.lower()) or np.any(positions > size):
        return 1 / spacing
    return np.ones(3)
