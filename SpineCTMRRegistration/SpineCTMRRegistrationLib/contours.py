"""The outlines of the moved vertebrae in the slice views."""

from __future__ import annotations

import slicer

from .nodes import scene_nodes
from .result_nodes import SOURCE_ROLE
from .segments import CLOSED_SURFACE

CONTOUR_PX = 2


def show_contours(segmentation: slicer.vtkMRMLSegmentationNode, visible: bool = True) -> None:
    """Show or hide the outlines of the moved vertebrae in all slice views; other results' are hidden.

    They are cut from the smooth surfaces; the label maps' own outlines are stairs on thick slices.
    """
    for other in scene_nodes(segmentation.GetScene(), "vtkMRMLSegmentationNode"):
        if other is not segmentation and other.GetNodeReference(SOURCE_ROLE) is not None:
            other.SetDisplayVisibility(False)
    segmentation.CreateDefaultDisplayNodes()
    if visible and not segmentation.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE):
        segmentation.CreateClosedSurfaceRepresentation()  # it is not saved with a scene
    display = segmentation.GetDisplayNode()
    display.SetVisibility(visible)
    display.SetVisibility2D(visible)
    display.SetVisibility3D(False)
    display.SetPreferredDisplayRepresentationName2D(CLOSED_SURFACE)
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(CONTOUR_PX)


def contours_are_shown(segmentation: slicer.vtkMRMLSegmentationNode | None) -> bool:
    """Whether `show_contours` shows them."""
    display = segmentation.GetDisplayNode() if segmentation is not None else None
    return display is not None and bool(display.GetVisibility() and display.GetVisibility2DOutline())
