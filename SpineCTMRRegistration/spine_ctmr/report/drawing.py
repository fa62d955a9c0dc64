"""One picture panel: grey MR, coloured overlay, vertebra outlines, names, letters, scale bar.

Drawn with numpy and Pillow: importing matplotlib alone would take longer than all pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..imaging.vertebra_names import vertebra_name
from .views import LabelBox, View, sample

Rgb: TypeAlias = NDArray[np.uint8]
"""Picture (rows, columns, 3)."""

OUTLINES = ((86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115))
"""Okabe-Ito, without the oranges of the CT overlay and what is too dark on an MR."""
PLAIN_OUTLINES = ((255, 255, 255),)
OUTLINE_SMOOTHING_MM = 0.7
"""Takes the steps of the voxels off the outlines."""
BONE_HU = (130.0, 600.0)
"""CT values between which the overlay goes from nothing to its full strength."""
BONE_WINDOW_HU = (-200.0, 1000.0)
"""CT values shown black and white where the CT is shown alone."""
BONE_RGB = (255.0, 140.0, 30.0)
BONE_OPACITY = 0.6
SCALE_BAR_MM = 20.0
NAME_PX, LETTER_PX, SCALE_PX = 20, 20, 17
"""Heights of the lettering."""


def grey(values: NDArray[Any], brightness: float = 1.0) -> Rgb:
    """MR values (rows, columns) as grey between the ends of their `grey_range`; NaN is shown black."""
    return grey_between(values, grey_range(values), brightness)


def grey_between(values: NDArray[Any], ends: tuple[float, float], brightness: float = 1.0) -> Rgb:
    """Values (rows, columns) as grey, black below the first end and white above the other."""
    low, high = ends
    scaled = np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1) * (255 * brightness)
    return np.repeat(scaled.astype(np.uint8)[..., None], 3, axis=-1)


def grey_range(values: NDArray[Any]) -> tuple[float, float]:
    """What is shown black and white of an MR: the 1st and the 99.5th percentile without its zeros."""
    inside = values[np.isfinite(values) & (values != 0)][::7]
    low, high = np.percentile(inside, [1, 99.5]) if inside.size else (0.0, 1.0)
    return float(low), float(max(high, low + 1e-6))


def with_overlay(picture: Rgb, colour: ArrayLike, opacity: NDArray[Any]) -> Rgb:
    """`picture` (..., 3) under a `colour` (..., 3) or (3,), 0..255, of `opacity` (...), 0..1."""
    weight = opacity[..., None].astype(np.float32)
    return (picture * (1 - weight) + np.asarray(colour, np.float32) * weight).astype(np.uint8)


def with_bone(picture: Rgb, ct: NDArray[Any]) -> Rgb:
    """`picture` under the bone of a CT in HU (rows, columns), warm and half transparent."""
    low, high = BONE_HU
    return with_overlay(picture, BONE_RGB, np.clip((ct - low) / (high - low), 0, 1) ** 0.7 * BONE_OPACITY)


def annotated(
    view: View,
    picture: Rgb,
    boxes: Mapping[int, LabelBox],
    colours: tuple[tuple[int, int, int], ...] = OUTLINES,
) -> Rgb:
    """`picture` of a view with everything needed to read it."""
    result = picture.copy()
    names = []
    for number, box in boxes.items():
        colour = colours[number % len(colours)]
        place = draw_outline(result, view, box, colour)
        if place is not None:
            names.append((vertebra_name(number), place, colour))
    return lettered(result, view, names)


def draw_outline(
    picture: Rgb, view: View, box: LabelBox, colour: tuple[int, int, int]
) -> tuple[int, int] | None:
    """Draw the outline of one vertebra into `picture`, if the view cuts it.

    Returns:
        Column and row of the leftmost point of its largest part.
    """
    window = view.window(box.grid.corners())
    if window is None:
        return None
    share = sample(box.mask.astype(np.float32), box.grid, view.points[window], 0.0)
    share = ndimage.gaussian_filter(share, OUTLINE_SMOOTHING_MM / view.step_mm)
    if share.max() < 0.5:
        return None
    slope = np.maximum(np.hypot(*np.gradient(share)), 1e-3)
    pixels = np.abs(share - 0.5) / slope
    near = pixels < 2.5
    line = pixels[near]
    rim = with_overlay(picture[window][near], (0, 0, 0), 0.5 * np.clip(2.5 - line, 0, 1))
    picture[window][near] = with_overlay(rim, colour, np.clip(1.5 - line, 0, 1))
    parts, count = ndimage.label(share >= 0.5)
    largest = 1 + int(np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:]))
    rows, columns = np.nonzero(parts == largest)
    left = int(columns.argmin())
    return int(columns[left] + window[1].start), int(rows[left] + window[0].start)


def lettered(picture: Rgb, view: View, names: list[tuple[str, tuple[int, int], tuple[int, int, int]]]) -> Rgb:
    """`picture` with names at their places (column, row), the letters of the sides, and a scale bar."""
    from PIL import Image, ImageDraw

    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    rim: dict[str, Any] = {"stroke_width": 2, "stroke_fill": (0, 0, 0)}
    for name, (column, row), colour in names:
        column = max(column - 5, int(draw.textlength(name, font(NAME_PX))) + 3)
        row = int(np.clip(row, NAME_PX, height - NAME_PX))
        draw.text((column, row), name, colour, font(NAME_PX), "rm", **rim)
    places = ((7, height // 2, "lm"), (width - 7, height // 2, "rm"), (width // 2, 5, "mt"))
    for letter, (column, row, anchor) in zip(
        view.letters, (*places, (width // 2, height - 5, "mb")), strict=True
    ):
        draw.text((column, row), letter, (255, 255, 255), font(LETTER_PX), anchor, **rim)
    bar = round(SCALE_BAR_MM / view.step_mm)
    right, bottom = width - 10, height - 10
    draw.rectangle((right - bar, bottom - 3, right, bottom), (255, 255, 255), (0, 0, 0))
    draw.text((right - bar / 2, bottom - 6), "20 mm", (255, 255, 255), font(SCALE_PX), "mb", **rim)
    return np.asarray(image)


@cache
def font(height_px: int) -> Any:
    """Pillow's own typeface."""
    from PIL import ImageFont

    return ImageFont.load_default(height_px)
