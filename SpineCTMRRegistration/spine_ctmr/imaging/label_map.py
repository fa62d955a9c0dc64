"""The vertebrae of a label map: which values are which levels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from .case import VertebraLabels
from .label_names import scheme_beside
from .label_schemes import INSTANCES, VERSE, LabelScheme
from .label_shapes import LabelShape, label_shapes
from .label_values import renumbered, values_in, whole_numbers
from .label_voxels import voxels_where
from .plausibility import impossible
from .reading import Scan
from .scheme_choice import Reading, choose, counted_from_sacrum, listed, read_by, readable, some
from .vertebra_names import vertebra_name

_RARE = {25: {24}, 28: {19, 20}}
"""Rare vertebrae (L6, T13) that other numberings mean otherwise, and a neighbour of each."""


def vertebrae_in(scan: Scan, path: Path, scheme: LabelScheme | None, option: str) -> VertebraLabels:
    """The vertebrae of a label map.

    Args:
        scan: as it was read.
        path: where, for messages and for names that lie beside it.
        scheme: how labels are numbered; None to recognise it.
        option: that says the scheme, for messages.

    Raises:
        InputError: not a label map, without any recognisable vertebra, labels that fit several schemes, or
            that cannot be the vertebrae that they are said to be.
    """
    image, warnings = scan.image, scan.warnings
    array = whole_numbers(array_view(image), path)
    labels = values_in(array, path)
    if scheme is None:
        scheme, more = scheme_beside(path, labels)
        warnings += more
    reading = _reading(array, Grid.of(image), labels, scheme, path, option)
    warnings += _told(reading, labels, path)
    as_it_is = image.GetPixelID() == sitk.sitkUInt8 and reading.levels == {n: n for n in labels}
    levels = image if as_it_is else Grid.of(image).image(renumbered(array, reading.levels))
    return VertebraLabels(levels, reading.scheme.name, warnings)


def _reading(
    array: NDArray[Any],
    grid: Grid,
    labels: Collection[int],
    scheme: LabelScheme | None,
    path: Path,
    option: str,
) -> Reading:
    """The labels read by a given scheme, or by the one that is recognised."""
    if scheme is None:
        candidates = {label for each in readable(labels) for label in each.reads(labels)}
        return choose(labels, _shapes(array, grid, candidates), str(path), option)
    scheme = counted_from_sacrum(labels) if scheme is INSTANCES else scheme
    shapes = _shapes(array, grid, scheme.reads(labels))
    reading = read_by(scheme, labels, shapes)
    if not reading.levels:
        raise InputError(
            f"{path} has only labels {some(labels)}, none of them a vertebra by {scheme.title};"
            f" say otherwise with {option}."
        )
    if problem := impossible(reading.levels, shapes):
        raise InputError(
            f"{path} cannot be right by {scheme.title}: {problem}; check the labels,"
            f" or say otherwise with {option}."
        )
    return reading


def _shapes(array: NDArray[Any], grid: Grid, labels: Collection[int]) -> dict[int, LabelShape]:
    """The shapes of some labels of an array."""
    if not labels:
        return {}
    table = np.zeros(max(labels) + 2, bool)
    table[list(labels)] = True
    chosen = table[np.clip(array.reshape(-1), 0, max(labels) + 1)]
    return label_shapes(voxels_where(array, chosen, grid))


def _told(reading: Reading, labels: Collection[int], path: Path) -> tuple[str, ...]:
    """Warnings about how labels were read."""
    warnings = []
    found = f"{path}: labels were read by {reading.scheme.title} ({listed(reading.levels)})"
    if reading.scheme is not VERSE:
        warnings.append(f"{found}.")
    elif reading.rivals:
        warnings.append(f"{found}; {reading.rivals[0]} would be possible too.")
    elif sorted(labels) == list(range(1, len(labels) + 1)):
        warnings.append(f"{found}; make sure that they do not just count from the top.")
    elif rare := [n for n, beside in _RARE.items() if n in labels and not beside & set(labels)]:
        warnings.append(
            f"{found}, but no neighbour of {vertebra_name(rare[0])} is there;"
            " make sure that they are VerSe numbers."
        )
    if ignored := sorted(set(labels) - set(reading.levels)):
        warnings.append(f"{path}: labels {some(ignored)} are not vertebrae and were ignored.")
    return tuple(warnings)
