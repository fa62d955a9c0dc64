"""How the Jacobian heatmap looks in Slicer: diverging colours, clear at 1, with a legend."""

from __future__ import annotations

import numpy as np
import slicer
from spine_ctmr.report.jacobian_colors import JACOBIAN_RANGE, jacobian_colors

from .color_tables import color_table

TABLE_TAG = "SpineCTMRJacobian"
COLORS = 256
LEGEND, LEGEND_FONT_PT, LEGEND_LABELS = "CT/MR", 9, 4
LEGEND_SIZE, LEGEND_PLACE = (0.12, 0.26), (0.98, 0.04)
"""Width and height as shares of a view, and where it lies between left and right, bottom and top."""
KEPT_OCTAVES = 0.1
"""Slices draw a colour either fully or not at all: not where the volume changes by less than this (7 %)."""


def show_as_heatmap(volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Give a volume of determinants in a scene the heatmap's colours."""
    low, high = JACOBIAN_RANGE
    display = volume.GetScalarVolumeDisplayNode()
    display.SetAndObserveColorNodeID(_color_table(volume.GetScene()).GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(low, high)


def show_legend(volume: slicer.vtkMRMLScalarVolumeNode, visible: bool) -> None:
    """Show or hide the legend of a heatmap, where this Slicer has colour legends."""
    logic = getattr(slicer, "vtkSlicerColorLogic", None)
    if logic is None or not hasattr(logic, "AddDefaultColorLegendDisplayNode"):
        return
    legend = logic.GetColorLegendDisplayNode(volume)
    if legend is None and visible:
        legend = logic.AddDefaultColorLegendDisplayNode(volume)
    if legend is None:
        return
    legend.SetTitleText(LEGEND)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(LEGEND_FONT_PT)
    legend.SetLabelFormat("%.2f")
    legend.SetNumberOfLabels(LEGEND_LABELS)
    legend.SetSize(*LEGEND_SIZE)
    legend.SetPosition(*LEGEND_PLACE)
    legend.SetVisibility(visible)


def _color_table(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    values = np.linspace(*JACOBIAN_RANGE, COLORS)
    colors, _ = jacobian_colors(values)
    changed = np.abs(np.log2(values)) >= KEPT_OCTAVES
    shades = np.where(changed[:, None], colors / 255, 1.0)
    names = [f"{value:.2f}" for value in values]
    table = color_table(scene, TABLE_TAG, "Jacobian determinant", np.c_[shades, changed], names)
    table.GetLookupTable().SetTableRange(*JACOBIAN_RANGE)
    return table
