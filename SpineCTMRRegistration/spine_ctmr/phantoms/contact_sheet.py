"""A picture of synthetic patients, to be looked at beside real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from ..errors import InputError
from ..geometry.grid import Grid, Points
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import vertebra_name
from ..progress import Progress, silent
from .augmentation import scanned_ct, scanned_mr
from .patient import Pair, make_pair
from .patient_sources import Anatomies, parametric_anatomy

SIZE, SPACING_MM = (84, 96, 112), 1.5
ZOOM, GAP_PX, TEXT_PX = 2, 6, 20
CT_WINDOW_HU = (-200.0, 600.0)
MR_BONE_RGB, CT_BONE_RGB = (240, 228, 66), (86, 180, 233)
CAPTION = "CT as given to the network | MR | MR with its bone (yellow) and the bone of the CT as given (blue)"
Rgb = NDArray[np.uint8]


def draw_contact_sheet(
    path: Path,
    seed: int,
    patients: int,
    progress: Progress = silent,
    anatomies: Anatomies = parametric_anatomy,
    beside: sitk.Image | None = None,
    at_mm: Sequence[float] | None = None,
) -> None:
    """Write a PNG with a row for each of the first `patients` pairs of `seed`.

    A row shows sagittal cuts of CT, MR and both bones, then axial and coronal cuts of CT and MR. A real MR
    `beside` them is cut through an LPS point `at_mm`, or its middle, and shown above.

    Raises:
        InputError: the point lies outside that MR.
    """
    rows = [] if beside is None else [_real_row(beside, at_mm)]
    for index in range(patients):
        progress("drawing patients", index / patients)
        pair = make_pair(seed, index, SIZE, SPACING_MM, anatomies)
        rows.append(_row(pair, np.random.default_rng([seed, index, 1]), f"patient {index}"))
    sheet = np.concatenate([_text_band(CAPTION, rows[0].shape[1]), *rows])
    Image.fromarray(sheet).save(path, format="PNG", optimize=True)
    progress("drawing patients", 1.0)


def _real_row(image: sitk.Image, at_mm: Sequence[float] | None) -> Rgb:
    """Cuts of an MR through a point or its middle, each in the column of its like."""
    half = np.array(SIZE) * SPACING_MM / 2
    own = Grid.of(image)
    center = own.center_mm if at_mm is None else np.array(at_mm)
    if not own.contains(center):
        raise InputError(
            f"The place ({_numbers(center)}) lies outside the MR, {_extent(own)}; give one inside."
        )
    grid = Grid.around(np.array([center - half, center + half]), SPACING_MM)
    mr = _grey(array_view(sitk.Resample(image, grid.empty(), sitk.Transform(), sitk.sitkLinear)).copy())
    mr = mr[: SIZE[2], : SIZE[1], : SIZE[0]]
    z, y, x = (n // 2 for n in mr.shape[:3])
    sagittal, axial, coronal = mr[::-1, :, x], mr[z], mr[::-1, y]
    pictures = [np.zeros_like(sagittal), sagittal, np.zeros_like(sagittal)]
    pictures += [np.zeros_like(axial), axial, np.zeros_like(coronal), coronal]
    row = np.concatenate([_tile(picture) for picture in pictures], 1)
    return np.concatenate([_text_band("real MR", row.shape[1]), row])


def _extent(grid: Grid) -> str:
    """The box along the axes of LPS that holds a grid."""
    corners = grid.corners()
    return f"which reaches from ({_numbers(corners.min(0))}) to ({_numbers(corners.max(0))}) in LPS mm"


def _numbers(point: Points) -> str:
    return ", ".join(str(round(value)) for value in point)


def _row(pair: Pair, rng: np.random.Generator, title: str) -> Rgb:
    mr = _grey(scanned_mr(rng, pair.mr, pair.spacing_mm)[0])
    ct = _grey(scanned_ct(rng, pair.ct, pair.spacing_mm), CT_WINDOW_HU)
    z, y, x = _middle(pair.bone)
    cuts = [ct[:, :, x], mr[:, :, x], _with_outlines(mr, pair, x), ct[z], mr[z], ct[:, y], mr[:, y]]
    pictures = [_tile(cut if i in (3, 4) else cut[::-1]) for i, cut in enumerate(cuts)]
    numbers = [int(n) for n in np.unique(pair.bone) if n]
    names = f"{vertebra_name(min(numbers))} to {vertebra_name(max(numbers))}" if numbers else "no vertebra"
    row = np.concatenate(pictures, 1)
    return np.concatenate([_text_band(f"{title}: {names}", row.shape[1]), row])


def _middle(bone: NDArray[Any]) -> tuple[int, int, int]:
    """Index (z, y, x) of a voxel in the middle of the bone, or of the volume if there is none."""
    where = np.argwhere(bone > 0)
    z, y, x = np.median(where, axis=0).astype(int) if len(where) else np.array(bone.shape) // 2
    return int(z), int(y), int(x)


def _grey(volume: NDArray[Any], window: tuple[float, float] | None = None) -> Rgb:
    """Grey values (..., 3) in a window, or between the percentiles of what is not zero."""
    seen = volume[volume != 0]
    low, high = window or (np.percentile(seen, [1, 99.5]) if seen.size else (0.0, 1.0))
    scaled = ((volume - low) / max(high - low, 1e-6)).clip(0, 1) * 255
    return np.repeat(scaled.astype(np.uint8)[..., None], 3, -1)


def _with_outlines(mr: Rgb, pair: Pair, x: int) -> Rgb:
    picture = mr[:, :, x].copy()
    for labels, colour in ((pair.ct_labels, CT_BONE_RGB), (pair.bone, MR_BONE_RGB)):
        bone = labels[:, :, x] > 0
        picture[bone & ~binary_erosion(bone)] = colour
    return picture


def _tile(picture: Rgb) -> Rgb:
    """The picture enlarged to the height of the sheet's rows, with a gap on the right."""
    height = SIZE[2]
    rows = (height - picture.shape[0]) // 2
    square = np.pad(picture, ((rows, height - picture.shape[0] - rows), (0, 0), (0, 0)))
    size = (square.shape[1] * ZOOM, height * ZOOM)
    large = np.asarray(Image.fromarray(square).resize(size, Image.Resampling.BICUBIC))
    return np.pad(large, ((0, GAP_PX), (0, GAP_PX), (0, 0)))


def _text_band(text: str, width: int) -> Rgb:
    band = Image.new("RGB", (width, TEXT_PX + 6))
    ImageDraw.Draw(band).text((4, 2), text, font=ImageFont.load_default(TEXT_PX - 4), fill="white")
    return np.asarray(band)
