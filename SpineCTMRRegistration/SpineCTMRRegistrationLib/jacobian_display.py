"""How the Jacobian heatmap looks in Slicer: diverging colours, clear at 1, with a legend."""

from __future__ import annotations

import numpy as np
import slicer
from spine_ctmr.report.jacobian_colors import JACOBIAN_RANGE, jacobian_colors

TABLE_TAG = "SpineCTMRJacobian"
COLORS = 256
LEGEND, LEGEND_FONT_PT = "CT/MR volume", 12
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
    legend.SetNumberOfLabels(7)
    legend.SetVisibility(visible)


def _color_table(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    """The heatmap's colour table: one per scene, saved with it."""
    table = scene.GetSingletonNode(TABLE_TAG, "vtkMRMLColorTableNode")
    if table is not None:
        return table
    values = np.linspace(*JACOBIAN_RANGE, COLORS)
    colors, _ = jacobian_colors(values)
    changed = np.abs(np.log2(values)) >= KEPT_OCTAVES
    shades = np.where(changed[:, None], colors / 255, 1.0)
    table = slicer.vtkMRMLColorTableNode()
    table.SetName("Jacobian determinant")
    table.SetSingletonTag(TABLE_TAG)
    table.SetTypeToUser()
    table.SetAttribute("Category", "User Generated")
    table.SetNumberOfColors(COLORS)
    for i, (value, shade, drawn) in enumerate(zip(values, shades, changed, strict=True)):
        table.SetColor(i, f"{value:.2f}", *shade.tolist(), float(drawn))
    table.GetLookupTable().SetTableRange(*JACOBIAN_RANGE)
    return scene.AddNode(table)
