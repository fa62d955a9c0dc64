"""The pictures of the report: fused views, before and after, and the volume-change heatmap.

Each is a PNG file in memory, ready for the report, a panel or a web page.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from ..imaging.hounsfield import OUTSIDE_HU
from .drawing import PLAIN_OUTLINES, Rgb, annotated, font, grey, with_bone, with_overlay
from .jacobian_colors import JACOBIAN_LABEL, jacobian_colors
from .views import LabelBox, View, label_boxes, spine_views

BACKGROUND = 20
"""Grey of what lies between the panels."""
GAP_PX, TITLE_PX, BAR_PX = 8, 30, 58
PATTERN_PX, PATTERN_FROM, PATTERN_OPACITY = 8, 1.12, 0.4
"""Period of dots and lines, the determinant from which they are drawn (and its inverse), strength."""


def fused_views(
    mr: sitk.Image,
    ct_in_mr: sitk.Image,
    labels_in_mr: sitk.Image,
    center_mm: ArrayLike | None = None,
    title: str = "",
) -> bytes:
    """Sagittal, coronal and axial MR with the CT's bone and the vertebra outlines over it, as a PNG.

    Args:
        mr: scalar image.
        ct_in_mr: CT in HU, in the MR frame but on any grid.
        labels_in_mr: VerSe numbers, in the MR frame but on any grid.
        center_mm: LPS point that the planes go through; without it the views follow the spine.
        title: shown above.
    """
    boxes = label_boxes(labels_in_mr)
    views = spine_views(mr, boxes, center_mm)
    greys = [grey(view.sample(mr)) for view in views]
    return as_png(_row(_fused(views, greys, ct_in_mr, boxes), title))


def before_after_overview(
    mr: sitk.Image,
    ct_before: sitk.Image,
    labels_before: sitk.Image,
    ct_after: sitk.Image,
    labels_after: sitk.Image,
    titles: tuple[str, str] = ("Before", "After"),
) -> bytes:
    """`fused_views` before (upper row) and after registration (lower row), at the same places."""
    boxes = label_boxes(labels_after)
    views = spine_views(mr, boxes)
    greys = [grey(view.sample(mr)) for view in views]
    upper = _row(_fused(views, greys, ct_before, label_boxes(labels_before)), titles[0])
    lower = _row(_fused(views, greys, ct_after, boxes), titles[1])
    return as_png(np.concatenate([upper, lower]))


def heatmap(mr: sitk.Image, jacobian: sitk.Image, labels: sitk.Image, title: str = "Volume change") -> bytes:
    """The MR under the Jacobian determinant, logarithmic colours centred at 1, as a PNG; folds in yellow.

    Args:
        mr: scalar image.
        jacobian: determinant of `mr_to_ct`, in the MR frame.
        labels: VerSe numbers in the MR frame.
    """
    boxes = label_boxes(labels)
    views = spine_views(mr, boxes)
    values = [view.sample(jacobian, outside=1.0) for view in views]
    panels = [
        annotated(view, with_jacobian(grey(view.sample(mr), 0.85), value), boxes, PLAIN_OUTLINES)
        for view, value in zip(views, values, strict=True)
    ]
    row = _row(panels, title)
    folded = any(bool((value <= 0).any()) for value in values)
    return as_png(np.concatenate([row, _colour_bar(row.shape[1], folded)]))


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


def _fused(
    views: Sequence[View], greys: Sequence[Rgb], ct: sitk.Image, boxes: Mapping[int, LabelBox]
) -> list[Rgb]:
    return [
        annotated(view, with_bone(picture, view.sample(ct, OUTSIDE_HU)), boxes)
        for view, picture in zip(views, greys, strict=True)
    ]


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


def _colour_bar(width: int, folded: bool) -> Rgb:
    """The heatmap's colours over the middle grey of an MR, with ticks and their meaning."""
    ticks = {0.5: "0.5 or less", 0.71: "0.71", 1.0: "1", 1.41: "1.41", 2.0: "2 or more"}
    canvas = np.full((BAR_PX, width, 3), BACKGROUND, np.uint8)
    length = width // 2
    left = (width - length) // 2
    octaves = np.broadcast_to(np.linspace(-1, 1, length), (16, length))
    canvas[2:18, left : left + length] = with_jacobian(np.full((16, length, 3), 110, np.uint8), 2.0**octaves)
    texts = []
    for value, text in ticks.items():
        column = left + round((np.log2(value) + 1) / 2 * (length - 1))
        canvas[18:22, column] = 255
        texts.append((text, (column, 30), "mm", 14))
    label = f"{JACOBIAN_LABEL}; dotted below, hatched above" + ("; yellow = folded" if folded else "")
    return _written(canvas, [*texts, (label, (width // 2, 47), "mm", 15)])


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
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
