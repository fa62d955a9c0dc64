"""Nodes to choose in the panel, and what it then shows."""

from __future__ import annotations


def add_segmentation(scene, *names: str):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    for name in names:
        node.GetSegmentation().AddEmptySegment(name, name)
    return node


def what_is_missing(panel) -> str:
    """What keeps Register from being pressed; the tooltip and the line below the button agree."""
    assert panel.ui.registerButton.enabled == (not panel.ui.readyLabel.visible)
    if not panel.ui.registerButton.enabled:
        assert panel.ui.readyLabel.text == panel.ui.registerButton.toolTip
    return "" if panel.ui.registerButton.enabled else panel.ui.registerButton.toolTip


def cells(table, column: int) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount)]
