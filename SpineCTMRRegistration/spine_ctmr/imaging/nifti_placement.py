"""Where a NIfTI file is, by its two placements (qform and sform), which may disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from .nifti_header import NiftiHeader

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS to LPS."""
_SAME_MM, _FAR_MM = 0.05, 1.0
"""Distance of two placements up to which they are the same, and above which none can be trusted."""
_SKEW = 1e-3


def placed_by(header: NiftiHeader) -> Grid:
    """The grid by the placement that ITK would choose: the scanner's sform, else qform, else any sform."""
    nx, ny, nz = header.shape[:3]
    scanner = header.sform if header.sform_is_scanner and _is_orthogonal(header.sform) else None
    matrix = next((m for m in (scanner, header.qform, header.sform) if m is not None), None)
    if matrix is None:
        return Grid((nx, ny, nz), header.spacing_mm, (0.0, 0.0, 0.0))
    steps, (x, y, z) = (_FLIP @ matrix)[:3, :3], (_FLIP @ matrix)[:3, 3].tolist()
    dx, dy, dz = spacing = np.linalg.norm(steps, axis=0)
    axes = steps / spacing
    return Grid((nx, ny, nz), (float(dx), float(dy), float(dz)), (x, y, z), tuple(axes.ravel().tolist()))


def check_placement(path: Path, header: NiftiHeader, grid: Grid) -> tuple[str, ...]:
    """Warnings about where the header places the voxels that are taken to lie on `grid`.

    Raises:
        InputError: the axes are not at right angles, or qform and sform disagree.
    """
    if np.abs(grid.axes.T @ grid.axes - np.eye(3)).max() > _SKEW:
        raise InputError(f"{path} has axes that are not at right angles; resample it to a regular grid.")
    forms = {
        name: form for name, form in (("qform", header.qform), ("sform", header.sform)) if form is not None
    }
    if not forms:
        return (
            f"{path} does not say where it lies or which side is left (qform and sform are 0):"
            " its axes were taken for left, posterior and head.",
        )
    used = replace(grid, spacing_mm=header.spacing_mm) if len(forms) == 1 else grid
    apart = {name: _apart_mm(form, used) for name, form in forms.items()}
    worst = max(apart, key=apart.__getitem__)
    if apart[worst] <= _SAME_MM:
        return ()
    other = "voxel spacing (pixdim)" if len(forms) == 1 else "qform" if worst == "sform" else "sform"
    sheared = "sheared " if not _is_orthogonal(forms[worst]) else ""
    sentence = f"{path} has a {sheared}{worst} that places it up to {apart[worst]:.1f} mm from its {other}"
    if apart[worst] > _FAR_MM:
        raise InputError(f"{sentence}; save it with one placement, that with which its labels were made.")
    return (f"{sentence}; the {worst if len(forms) == 1 else other} is used.",)


def _apart_mm(matrix: NDArray[Any], grid: Grid) -> float:
    """The largest distance of a voxel's place by a matrix to RAS mm from its place on a grid."""
    ends = np.array(grid.size) - 1.0
    corners = np.array([(x, y, z) for x in (0, ends[0]) for y in (0, ends[1]) for z in (0, ends[2])])
    places = corners @ (_FLIP @ matrix)[:3, :3].T + (_FLIP @ matrix)[:3, 3]
    return float(np.linalg.norm(places - grid.to_points(corners), axis=1).max())


def _is_orthogonal(matrix: NDArray[Any] | None) -> bool:
    if matrix is None:
        return False
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() <= _SKEW)
