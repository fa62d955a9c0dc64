"""A replacement for Slicer's node selector; see `widgets.py`."""

from __future__ import annotations

from typing import Any

import shiboken6
import slicer
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget


def plain(kind: type, name: str, default: Any) -> Property:
    """A property that only keeps its value."""
    key = f"_{name}"
    return Property(
        kind, lambda self: getattr(self, key, default), lambda self, value: setattr(self, key, value)
    )


class qMRMLNodeComboBox(QWidget):
    """Chooses a node of some types; follows the scene."""

    OFFERED_METHODS = frozenset(
        {
            *("addAttribute", "addNode", "currentNode", "mrmlScene", "nodeCount", "nodeFromIndex"),
            *("setCurrentNode", "setCurrentNodeID", "setCurrentNodeIndex", "setMRMLScene"),
        }
    )
    OFFERED_SIGNALS = (
        "currentNodeChanged(vtkMRMLNode*)",
        "currentNodeChanged(bool)",
        "nodeAddedByUser(vtkMRMLNode*)",
    )
    currentNodeChanged = Signal(object)
    nodeAddedByUser = Signal(object)

    addEnabled = plain(bool, "addEnabled", True)
    removeEnabled = plain(bool, "removeEnabled", True)
    editEnabled = plain(bool, "editEnabled", False)
    renameEnabled = plain(bool, "renameEnabled", False)
    noneEnabled = plain(bool, "noneEnabled", False)
    showHidden = plain(bool, "showHidden", False)
    showChildNodeTypes = plain(bool, "showChildNodeTypes", True)
    selectNodeUponCreation = plain(bool, "selectNodeUponCreation", True)
    baseName = plain(str, "baseName", "")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._tags: list[tuple[Any, int]] = []
        self._nodes: list[Any] = []
        self._current: Any = None
        self._types: list[str] = []
        self._hidden_types: list[str] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._none_display = "None"
        self._box = QComboBox()
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.activated.connect(self._on_activated)

    def _set_types(self, types: list[str]) -> None:
        self._types = list(types)
        self._refresh()

    def _set_hidden_types(self, types: list[str]) -> None:
        self._hidden_types = list(types)
        self._refresh()

    def _set_none_display(self, text: str) -> None:
        self._none_display = text
        self._refresh()

    nodeTypes = Property("QStringList", lambda self: self._types, _set_types)
    hideChildNodeTypes = Property("QStringList", lambda self: self._hidden_types, _set_hidden_types)
    noneDisplay = Property(str, lambda self: self._none_display, _set_none_display)
    currentNodeID = Property(
        str,
        lambda self: self._current.GetID() if self._current else "",
        lambda self, value: self.setCurrentNodeID(value),
    )

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        for sender, tag in self._tags:
            sender.RemoveObserver(tag)
        self._tags, self._scene = [], scene
        if scene is not None:
            for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
                self._tags.append((scene, scene.AddObserver(event, self._on_scene)))
            self._tags.append((scene, scene.AddObserver(scene.EndImportEvent, self._on_scene)))
        self._refresh()

    def addAttribute(self, kind: str, name: str, value: str | None = None) -> None:
        self._attributes.append((kind, name, value))
        self._refresh()

    def addNode(self, kind: str | None = None) -> Any:
        node = self._scene.CreateNodeByClass(kind or self._types[0])
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
        return len(self._nodes)

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index]

    def currentNode(self) -> Any:
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            self.setCurrentNodeID(node)
            return
        known = node if node in self._nodes else None
        if known is None and not self.noneEnabled and self._nodes:
            known = self._nodes[0]
        changed, self._current = known is not self._current, known
        self._show()
        if changed:
            self.currentNodeChanged.emit(known)

    def setCurrentNodeID(self, identity: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(identity) if self._scene and identity else None)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self._nodes[index] if 0 <= index < len(self._nodes) else None)

    def _accepts(self, node: Any) -> bool:
        fitting = any(
            node.IsA(t) if self.showChildNodeTypes else node.GetClassName() == t for t in self._types
        )
        refused = any(node.IsA(t) for t in self._hidden_types)
        hidden = node.GetHideFromEditors() and not self.showHidden
        attributes = all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name))
            for kind, name, value in self._attributes
            if node.IsA(kind)
        )
        return fitting and not refused and not hidden and attributes

    def _on_scene(self, *_: Any) -> None:
        if shiboken6.isValid(self._box):
            self._refresh()

    def _refresh(self) -> None:
        scene = self._scene
        every = (
            [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
            if isinstance(scene, slicer.vtkMRMLScene)
            else []
        )
        self._nodes = [node for node in every if self._accepts(node)]
        self.setCurrentNode(self._current)

    def _show(self) -> None:
        self._box.clear()
        if self.noneEnabled or not self._nodes:
            self._box.addItem(self._none_display)
        for node in self._nodes:
            self._box.addItem(node.GetName())
        if self.addEnabled and self._types:
            self._box.insertSeparator(self._box.count())
            self._box.addItem("Create new " + (self.baseName or "node"))
        if self._current is not None:
            self._box.setCurrentIndex(self._nodes.index(self._current) + int(self.noneEnabled))

    def _on_activated(self, index: int) -> None:
        if self._box.itemText(index).startswith("Create new ") and index >= len(self._nodes):
            self.addNode()
            return
        self.setCurrentNodeIndex(index - int(self.noneEnabled))
