"""The pictures of the report: MR, CT and both together, before and after, and the volume change."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..imaging.hounsfield import OUTSIDE_HU
from .drawing import (
    BONE_WINDOW_HU,
    PLAIN_OUTLINES,
    Rgb,
    annotated,
    font,
    grey,
    grey_between,
    with_bone,
    with_overlay,
)
from .jacobian_colors import JACOBIAN_LABEL, jacobian_colors
from .views import label_boxes, spine_views

PLANES = ("Sagittal", "Coronal", "Axial")

BACKGROUND = 20
"""Grey of what lies between the panels."""
GAP_PX, TITLE_PX, BAR_PX = 8, 30, 58
PATTERN_PX, PATTERN_FROM, PATTERN_OPACITY = 8, 1.12, 0.4
"""Period of dots and lines, the determinant from which they are drawn (and its inverse), strength."""


@dataclass(frozen=True)
class PlanePictures:
    """The same plane in four pictures, all with the outlines of the vertebrae.

    Attributes:
        mr: the MR.
        ct: the registered CT in its bone window.
        registered: the MR with the bone of the registered CT over it.
        before: the same at the rigid start.
    """

    mr: Rgb
    ct: Rgb
    registered: Rgb
    before: Rgb


@dataclass(frozen=True)
class Moved:
    """The CT in the MR frame.

    Attributes:
        ct: in HU, on any grid.
        labels: VerSe numbers, on any grid.
    """

    ct: sitk.Image
    labels: sitk.Image


def plane_pictures(mr: sitk.Image, before: Moved, after: Moved) -> dict[str, PlanePictures]:
    """The three planes of the MR that follow the registered spine, by name (`PLANES`)."""
    boxes, boxes_before = label_boxes(after.labels), label_boxes(before.labels)
    pictures = {}
    for plane, view in zip(PLANES, spine_views(mr, boxes), strict=True):
        base = grey(view.sample(mr))
        ct, ct_before = view.sample(after.ct, OUTSIDE_HU), view.sample(before.ct, OUTSIDE_HU)
        pictures[plane] = PlanePictures(
            mr=annotated(view, base, boxes),
            ct=annotated(view, grey_between(ct, BONE_WINDOW_HU), boxes),
            registered=annotated(view, with_bone(base, ct), boxes),
            before=annotated(view, with_bone(base, ct_before), boxes_before),
        )
    return pictures


def before_after_overview(planes: Mapping[str, PlanePictures]) -> Rgb:
    """The three planes side by side, before above registered."""
    rows = {
        "Rigid start": [plane.before for plane in planes.values()],
        "Registered": [plane.registered for plane in planes.values()],
    }
    return np.concatenate([_row(panels, title) for title, panels in rows.items()])


def volume_change_pictures(mr: sitk.Image, jacobian: sitk.Image, labels: sitk.Image) -> dict[str, Rgb]:
    """The three planes under the Jacobian determinant, logarithmic colours centred at 1, by name (`PLANES`).

    Args:
        mr: scalar image.
        jacobian: determinant of `mr_to_ct`, in the MR frame; folds are yellow.
        labels: VerSe numbers in the MR frame.
    """
    boxes = label_boxes(labels)
    pictures = {}
    for plane, view in zip(PLANES, spine_views(mr, boxes), strict=True):
        coloured = with_jacobian(grey(view.sample(mr), 0.85), view.sample(jacobian, outside=1.0))
        pictures[plane] = annotated(view, coloured, boxes, PLAIN_OUTLINES)
    return pictures


def heatmap(planes: Mapping[str, Rgb]) -> Rgb:
    """The pictures of the volume change side by side, with their colours below."""
    row = _row(list(planes.values()), "Volume change")
    return np.concatenate([row, colour_bar(row.shape[1])])


def with_jacobian(picture: Rgb, determinant: NDArray[Any]) -> Rgb:
    """`picture` under the heatmap of determinants (rows, columns): clear at 1, blue below, red above.

    Below 1 it is dotted and above 1 hatched, so that both can be told apart without colours.
    """
    colour, opacity = jacobian_colors(determinant)
    coloured = with_overlay(picture, colour, opacity)
    return with_overlay(coloured, (255, 255, 255), PATTERN_OPACITY * _pattern(determinant))


def _pattern(determinant: NDArray[Any]) -> NDArray[np.bool_]:
    """Dots where volume is clearly below 1, diagonal lines where it is clearly above, (rows, columns)."""
    row, column = np.ogrid[: determinant.shape[0], : determinant.shape[1]]
    shifted = column + row // PATTERN_PX % 2 * (PATTERN_PX // 2)
    dots = (row % PATTERN_PX < 2) & (shifted % PATTERN_PX < 2)
    lines = (row + column) % PATTERN_PX == 0
    return (dots & (determinant < 1 / PATTERN_FROM)) | (lines & (determinant > PATTERN_FROM))


def _row(panels: Sequence[Rgb], title: str) -> Rgb:
    """Panels side by side, centred in height, under their title."""
    height = max(panel.shape[0] for panel in panels)
    width = sum(panel.shape[1] + GAP_PX for panel in panels) + GAP_PX
    top = TITLE_PX if title else GAP_PX
    canvas = np.full((top + height + GAP_PX, width, 3), BACKGROUND, np.uint8)
    left = GAP_PX
    for panel in panels:
        rows, columns = panel.shape[:2]
        start = top + (height - rows) // 2
        canvas[start : start + rows, left : left + columns] = panel
        left += columns + GAP_PX
    return _written(canvas, [(title, (GAP_PX, top // 2), "lm", 18)])


def colour_bar(width: int) -> Rgb:
    """The heatmap's colours over the middle grey of an MR, with ticks and their meaning."""
    ticks = {0.5: "0.5 or less", 0.71: "0.71", 1.0: "1", 1.41: "1.41", 2.0: "2 or more"}
    canvas = np.full((BAR_PX, width, 3), BACKGROUND, np.uint8)
    length = 3 * width // 4
    left = (width - length) // 2
    octaves = np.broadcast_to(np.linspace(-1, 1, length), (16, length))
    canvas[2:18, left : left + length] = with_jacobian(np.full((16, length, 3), 110, np.uint8), 2.0**octaves)
    texts = []
    for value, text in ticks.items():
        column = left + round((np.log2(value) + 1) / 2 * (length - 1))
        canvas[18:22, column] = 255
        texts.append((text, (column, 30), "mm", 14))
    meaning = f"{JACOBIAN_LABEL}; dotted below, hatched above; yellow = folded"
    return _written(canvas, [*texts, (meaning, (width // 2, 47), "mm", 15)])


def _written(picture: Rgb, texts: Sequence[tuple[str, tuple[int, int], str, int]]) -> Rgb:
    """`picture` with white texts: (text, (column, row), Pillow anchor, height)."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for text, place, anchor, height in texts:
        draw.text(place, text, (255, 255, 255), font(height), anchor)
    return np.asarray(image)


def as_png(picture: Rgb) -> bytes:
    """A picture as a PNG file."""
    return _as_file(picture, format="PNG", compress_level=1)


def as_jpeg(picture: Rgb) -> bytes:
    """A picture as a JPEG file, so fine that lettering and outlines stay sharp."""
    return _as_file(picture, format="JPEG", quality=90, subsampling=0)


def _as_file(picture: Rgb, **kind: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, **kind)
    return buffer.getvalue()
