"""A replacement for Slicer's node selector; see `widgets.py`."""

from __future__ import annotations

from typing import Any

import shiboken6
import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

MODEL_FIRST, MODEL_LAST = 10.0, -10.0
"""Priorities of the real selector's observers: it hears of a removal after everybody else."""


def plain(kind: type, name: str, default: Any) -> Property:
    """A property that only keeps its value."""
    key = f"_{name}"
    return Property(
        kind, lambda self: getattr(self, key, default), lambda self, value: setattr(self, key, value)
    )


def rebuilding(kind: type, name: str, default: Any) -> Property:
    """A property that decides which rows there are."""
    key = f"_{name}"

    def write(self: Any, value: Any) -> None:
        if value != getattr(self, key, default):
            setattr(self, key, value)
            self._rebuild()

    return Property(kind, lambda self: getattr(self, key, default), write)


class qMRMLNodeComboBox(QWidget):
    """Chooses a node of some types; follows the scene.

    The rows lie in a QComboBox as in Slicer. So Qt goes to a neighbour when the row of the current node is
    removed, and an import or a closed scene, after which all rows are made anew, leaves nothing chosen.
    Whether a node is offered is asked when it comes into the scene. Slicer may ask again when the node
    changes; the panel must not depend on when.
    """

    OFFERED_METHODS = frozenset(
        {
            *("addAttribute", "addNode", "currentNode", "mrmlScene", "nodeCount", "nodeFromIndex"),
            *("setCurrentNode", "setCurrentNodeID", "setCurrentNodeIndex", "setMRMLScene"),
        }
    )
    OFFERED_SIGNALS = (
        "currentNodeChanged(vtkMRMLNode*)",
        "currentNodeChanged(bool)",
        "nodeActivated(vtkMRMLNode*)",
        "nodeAddedByUser(vtkMRMLNode*)",
    )
    currentNodeChanged = Signal(object)
    nodeActivated = Signal(object)
    nodeAddedByUser = Signal(object)

    addEnabled = rebuilding(bool, "addEnabled", True)
    removeEnabled = rebuilding(bool, "removeEnabled", True)
    editEnabled = plain(bool, "editEnabled", False)
    renameEnabled = rebuilding(bool, "renameEnabled", False)
    noneEnabled = rebuilding(bool, "noneEnabled", False)
    noneDisplay = rebuilding(str, "noneDisplay", "None")
    showHidden = rebuilding(bool, "showHidden", False)
    showChildNodeTypes = rebuilding(bool, "showChildNodeTypes", True)
    nodeTypes = rebuilding("QStringList", "nodeTypes", [])
    hideChildNodeTypes = rebuilding("QStringList", "hideChildNodeTypes", [])
    selectNodeUponCreation = plain(bool, "selectNodeUponCreation", True)
    baseName = plain(str, "baseName", "")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._tags: list[int] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._box = QComboBox()
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._on_index)
        self._box.activated.connect(self._on_activated)
        self._box.model().rowsRemoved.connect(lambda *_: self._choose_none_if_lost())

    currentNodeID = Property(
        str,
        lambda self: self.currentNode().GetID() if self.currentNode() else "",
        lambda self, value: self.setCurrentNodeID(value),
    )

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags, self._scene = [], scene
        if scene is not None:
            self._tags = [
                scene.AddObserver(scene.NodeAddedEvent, _with_node(self._on_added), MODEL_FIRST),
                scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _with_node(self._on_removal), MODEL_LAST),
                scene.AddObserver(scene.EndImportEvent, self._on_new_rows),
                scene.AddObserver(scene.EndCloseEvent, self._on_new_rows),
            ]
        self._rebuild()

    def addAttribute(self, kind: str, name: str, value: str | None = None) -> None:
        self._attributes.append((kind, name, value))
        self._rebuild()

    def addNode(self, kind: str | None = None) -> Any:
        node = self._scene.CreateNodeByClass(kind or self.nodeTypes[0])
        node.UnRegister(None)
        node.SetName(self._scene.GenerateUniqueName(self.baseName or node.GetNodeTagName()))
        for of, name, value in self._attributes:
            if node.IsA(of) and value is not None:
                node.SetAttribute(name, value)
        self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def nodeCount(self) -> int:
        return sum(self._identity(row) is not None for row in range(self._box.count()))

    def nodeFromIndex(self, index: int) -> Any:
        return self._node_at(index + self.noneEnabled)

    def currentNode(self) -> Any:
        return self._node_at(self._box.currentIndex())

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identity: str) -> None:
        row = self._box.findData(identity) if identity else -1
        self._box.setCurrentIndex(row if row >= 0 else self._none_row())

    def setCurrentNodeIndex(self, index: int) -> None:
        self._box.setCurrentIndex((index if index < self.nodeCount() else -1) + self.noneEnabled)

    def choose(self, node: Any) -> None:
        """What a user does: open the list and click a row (not part of Slicer's class)."""
        row = self._box.findData(node.GetID()) if node is not None else self._none_row()
        assert row >= 0, f"{node.GetName()} is not offered"
        self._box.setCurrentIndex(row)
        self._box.activated.emit(row)

    def _none_row(self) -> int:
        return 0 if self.noneEnabled else -1

    def _identity(self, row: int) -> str | None:
        return self._box.itemData(row) if row >= 0 else None

    def _node_at(self, row: int) -> Any:
        identity = self._identity(row)
        return self._scene.GetNodeByID(identity) if identity and self._scene is not None else None

    def _accepts(self, node: Any) -> bool:
        fitting = any(
            node.IsA(t) if self.showChildNodeTypes else node.GetClassName() == t for t in self.nodeTypes
        )
        refused = any(node.IsA(t) for t in self.hideChildNodeTypes)
        hidden = node.GetHideFromEditors() and not self.showHidden
        attributes = all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name))
            for kind, name, value in self._attributes
            if node.IsA(kind)
        )
        return fitting and not refused and not hidden and attributes

    def _on_added(self, node: Any) -> None:
        if shiboken6.isValid(self._box) and not self._scene.IsImporting():
            self._insert(node)

    def _on_removal(self, node: Any) -> None:
        if not shiboken6.isValid(self._box) or self._scene.IsClosing():
            return
        row = self._box.findData(node.GetID())
        if row >= 0:
            self._box.removeItem(row)

    def _on_new_rows(self, *_: Any) -> None:
        """After an import or a closed scene: all rows of nodes go, then those of the scene come."""
        if shiboken6.isValid(self._box):
            self._box.model().removeRows(int(self.noneEnabled), self.nodeCount())
            self._insert_all()

    def _insert_all(self) -> None:
        scene = self._scene
        if isinstance(scene, slicer.vtkMRMLScene):
            for node in [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]:
                self._insert(node)

    def _insert(self, node: Any) -> None:
        if self._accepts(node):
            self._box.insertItem(self.noneEnabled + self.nodeCount(), node.GetName(), node.GetID())

    def _rebuild(self) -> None:
        """Other rows; the choice stays, if it is still offered."""
        current, known = self.currentNodeID, self._box.currentIndex()
        self._box.blockSignals(True)
        self._box.clear()
        if self.noneEnabled:
            self._box.addItem(self.noneDisplay)
        self._insert_all()
        if self._scene is not None:
            self._add_actions()
        row = self._box.findData(current) if current else -1
        self._box.setCurrentIndex(row if row >= 0 else self._none_row())
        self._box.blockSignals(False)
        if self.currentNodeID != current or (known < 0) != (self._box.currentIndex() < 0):
            self._on_index(self._box.currentIndex())

    def _add_actions(self) -> None:
        """The rows below the nodes that do something."""
        actions = (
            (self.renameEnabled, "Rename current "),
            (self.addEnabled, "Create new "),
            (self.removeEnabled, "Delete current "),
        )
        if any(enabled for enabled, _ in actions):
            self._box.insertSeparator(self._box.count())
        for enabled, text in actions:
            if enabled:
                self._box.addItem(text + (self.baseName or "node"))

    def _choose_none_if_lost(self) -> None:
        if self.currentNode() is None:
            self._box.setCurrentIndex(self._none_row())

    def _on_index(self, row: int) -> None:
        """A node or none is told; on any other row, the last node is taken instead."""
        node = self._node_at(row)
        if node is not None or row == self._none_row():
            self.currentNodeChanged.emit(node)
            return
        last = self.nodeFromIndex(self.nodeCount() - 1)
        if last is not None:
            self.setCurrentNode(last)

    def _on_activated(self, row: int) -> None:
        text = self._box.itemText(row)
        if self._identity(row) is not None or row == self._none_row():
            self.nodeActivated.emit(self._node_at(row))
        elif text.startswith("Create new "):
            self.addNode()
        elif text.startswith("Delete current "):
            self._scene.RemoveNode(self.currentNode())


def _with_node(slot: Any) -> Any:
    """An observer of the scene that gets the node."""

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def called(scene: Any, event: str, node: Any) -> None:
        slot(node)

    return called
