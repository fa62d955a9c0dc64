"""Nodes to choose in the panel, and what it then shows."""

from __future__ import annotations


def add_segmentation(scene, *names: str):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    for name in names:
        node.GetSegmentation().AddEmptySegment(name, name)
    return node


def words(rich: str) -> str:
    """What is read where Qt draws rich text."""
    from PySide6.QtGui import QTextDocumentFragment

    return QTextDocumentFragment.fromHtml(rich).toPlainText()


def hint(widget) -> str:
    """The words of a tool tip; Slicer makes rich text of them."""
    return words(widget.toolTip)


def what_is_missing(panel) -> str:
    """What keeps Register from being pressed; the tool tip and the line below the button agree."""
    assert panel.ui.registerButton.enabled == (not panel.ui.readyLabel.visible)
    if panel.ui.registerButton.enabled:
        return ""
    assert panel.ui.readyLabel.text == hint(panel.ui.registerButton)
    return panel.ui.readyLabel.text


def cells(table, column: int) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount)]


def slices_of(scene, host) -> list:
    """Axial, sagittal and coronal."""
    nodes = {n.GetLayoutName(): n for n in host.util.getNodesByClass("vtkMRMLSliceNode", scene)}
    return [nodes[name] for name in ("Red", "Yellow", "Green")]
