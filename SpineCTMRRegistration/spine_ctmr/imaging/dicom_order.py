"""DICOM slices put in the order of space, and checked to form one regular volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from .dicom_frames import Frame

_UNEVEN = 0.1
"""Largest deviation of a slice gap from the usual gap that is still one volume."""
_FINEST_MM = 0.01
"""Positions closer than this are the same."""
_BESIDE_MM = 0.3
"""How far a slice may lie from where the volume's grid has it: about what a registered vertebra is off."""


def ordered_frames(frames: Sequence[Frame], folder: Path) -> list[Frame]:
    """Frames sorted along their normal, as in the image.

    Raises:
        InputError: frames that are missing, doubled, uneven, tilted, not parallel or of different pixel
            spacing, or that have no position, orientation or spacing.
    """
    for name, values in (
        ("position", [f.position_mm for f in frames]),
        ("orientation", [f.orientation for f in frames]),
        ("pixel spacing", [f.spacing_mm for f in frames]),
    ):
        if any(value is None for value in values):
            a = "an" if name[0] in "aeiou" else "a"
            raise InputError(f"{folder} holds DICOM slices without {a} {name}; export the original series.")
    orientations = np.array([f.orientation for f in frames])
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError(f"{folder} holds slices that are not parallel; give a single stack of slices.")
    spacings = np.array([f.spacing_mm for f in frames])
    if spacings.min() <= 0 or np.abs(spacings - spacings[0]).max() > 1e-3 * spacings[0].min():
        raise InputError(f"{folder} holds slices of different pixel spacing; give a single stack of slices.")
    positions = np.array([f.position_mm for f in frames])
    normal = np.cross(orientations[0, :3], orientations[0, 3:])
    order = np.argsort(positions @ normal, kind="stable")
    _check_gaps(positions[order], normal, folder)
    return [frames[i] for i in order]


def grid_of(frames: Sequence[Frame], rows: int, columns: int) -> Grid:
    """The grid of at least two ordered frames with the given numbers of voxels."""
    first, last = np.array(frames[0].position_mm), np.array(frames[-1].position_mm)
    row, column = np.array(frames[0].orientation).reshape(2, 3)
    normal = np.cross(row, column)
    between_rows, between_columns = frames[0].spacing_mm or (0.0, 0.0)
    gap = float((last - first) @ normal) / (len(frames) - 1)
    axes = np.stack([row, column, normal], -1)
    return Grid(
        (columns, rows, len(frames)),
        (between_columns, between_rows, gap),
        (float(first[0]), float(first[1]), float(first[2])),
        tuple(float(v) for v in axes.ravel()),
    )


def _check_gaps(positions: NDArray[Any], normal: NDArray[Any], folder: Path) -> None:
    gaps = np.diff(positions @ normal)
    if gaps.size == 0:
        return
    usual = float(np.median(gaps))
    if gaps.min() < _FINEST_MM:
        raise InputError(
            f"{folder} holds several slices at one position (phases, echoes or copies);"
            " give a folder with one image per position."
        )
    worst = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[worst] - usual) > _UNEVEN * usual:
        raise InputError(
            f"{folder} has missing or unevenly spaced slices (a gap of {gaps[worst]:.2f} mm"
            f" where {usual:.2f} mm is usual); export the complete series."
        )
    evenly = np.linspace(0, gaps.sum(), len(positions))[:, None] * normal
    off = positions - positions[0] - evenly
    along = np.abs(off @ normal)
    sideways = np.linalg.norm(off - (off @ normal)[:, None] * normal, axis=1)
    if sideways.max() > _BESIDE_MM:
        tilt = np.degrees(np.arctan2(float(sideways[-1]), float(gaps.sum())))
        raise InputError(
            f"{folder} has tilted slices (gantry tilt of {tilt:.1f}°, which puts them up to "
            f"{sideways.max():.1f} mm beside a regular grid); resample it to a regular grid."
        )
    if along.max() > max(_BESIDE_MM, _UNEVEN * usual):
        raise InputError(
            f"{folder} has unevenly spaced slices (up to {along.max():.1f} mm from where even gaps would put"
            " them); resample it to a regular grid."
        )
