"""Colour tables of this module: one per scene and purpose, saved with the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from numpy.typing import NDArray


def color_table(
    scene: slicer.vtkMRMLScene, tag: str, name: str, colors: NDArray[Any], names: Sequence[str] | None = None
) -> slicer.vtkMRMLColorTableNode:
    """The scene's table with this singleton tag, made if there is none yet.

    Args:
        scene: that holds the table.
        tag: tells this table from others.
        name: as the user sees it.
        colors: red, green, blue and opacity from 0 to 1 (n, 4).
        names: of the colours, their number if not given.
    """
    table = scene.GetSingletonNode(tag, "vtkMRMLColorTableNode")
    if table is not None:
        return table
    table = slicer.vtkMRMLColorTableNode()
    table.SetName(name)
    table.SetSingletonTag(tag)
    table.SetTypeToUser()
    table.SetAttribute("Category", "User Generated")
    table.SetNumberOfColors(len(colors))
    for i, color in enumerate(colors.tolist()):
        table.SetColor(i, names[i] if names is not None else str(i), *color)
    return scene.AddNode(table)
