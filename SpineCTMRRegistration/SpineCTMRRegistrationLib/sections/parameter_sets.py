"""Which parameter set the panel shows, while sets, nodes and whole scenes come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk

from ..parameters import forget, has_inputs, node_of, parameters_in
from ..signal import Signal

AFTER_SELECTORS = -20.0
"""Priority of an observer that is called when Slicer's node selectors have heard of an event."""


class ParameterSetSection(slicer.util.VTKObservationMixin):  # type: ignore[misc]
    """Connects the widgets with one parameter node at a time, or with none.

    Node selectors act by themselves: when their node is deleted they choose a neighbour, and after an
    import they choose nothing. So a node that is about to be removed is given up before they hear of it,
    and while a scene is imported or closed the widgets are not connected with any parameter node.

    Attributes:
        parameters: of the set that is shown, None for no set.
        changed: emitted when there is something else to show.
        removing: emitted with a node that leaves the scene and what the panel calls the choices that held it.
        closing: emitted before the scene is closed.
    """

    def __init__(self, ui: Any, logic: Any, is_entered: Callable[[], bool]) -> None:
        slicer.util.VTKObservationMixin.__init__(self)
        self.parameters: Any = None
        self.changed: Signal[[]] = Signal()
        self.removing: Signal[[Any, list[str]]] = Signal()
        self.closing: Signal[[]] = Signal()
        self._ui, self._logic, self._is_entered = ui, logic, is_entered
        self._last: Any = None
        self._gui_tag: Any = None
        self._between_scenes = False
        ui.parameterSetSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_selected)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._on_start_close)
        self.addObserver(scene, scene.EndCloseEvent, self._on_new_scene, priority=AFTER_SELECTORS)
        self.addObserver(scene, scene.StartImportEvent, self._on_start_import)
        self.addObserver(scene, scene.EndImportEvent, self._on_new_scene, priority=AFTER_SELECTORS)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._on_removal)
        self.addObserver(scene, scene.NodeRemovedEvent, self._on_removed, priority=AFTER_SELECTORS)

    def show(self) -> None:
        """Show the set that was shown last; one that has inputs rather than one that nobody has used."""
        sets = self._logic.getAllParameterNodes()
        used = [node for node in sets if not self._is_unused(node)]
        known = [node for node in (self._last, self._ui.parameterSetSelector.currentNode()) if node in sets]
        first_choice = [node for node in known if node in used]
        node = next(iter(first_choice or used or known or sets), None)
        self.use(node if node is not None else node_of(self._logic.getParameterNode()))
        for other in sets:
            if used and other not in used:
                slicer.mrmlScene.RemoveNode(other)

    def hide(self) -> None:
        """Connect the widgets with no set; `show` comes back to this one."""
        self.use(None)

    def use(self, node: Any) -> None:
        """Connect the widgets with another parameter node, or with none."""
        if self.parameters is not None and node_of(self.parameters) is node:
            return
        if self.parameters is not None:
            self.parameters.disconnectGui(self._gui_tag)
            self.removeObserver(node_of(self.parameters), vtk.vtkCommand.ModifiedEvent, self._on_modified)
        self.parameters = parameters_in(node) if node is not None else None
        if node is not None:
            self._last = node
            self._ui.parameterSetSelector.setCurrentNode(node)
            self._gui_tag = self.parameters.connectGui(self._ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._on_modified)
        self.changed.emit()

    def _is_unused(self, node: Any) -> bool:
        """Whether the module made this set and nobody has chosen anything in it."""
        parameters = parameters_in(node)
        by_module = (node.GetName() or "").startswith(self._logic.moduleName)
        return by_module and not has_inputs(parameters) and parameters.table is None

    def _on_modified(self, caller: Any = None, event: Any = None) -> None:
        self.changed.emit()

    def _on_selected(self, node: Any) -> None:
        """Another one was chosen; while a scene is loaded or closed, selectors choose by themselves."""
        if self._is_entered() and not self._between_scenes and not slicer.mrmlScene.IsBatchProcessing():
            self.use(node)

    def _on_start_close(self, caller: Any, event: str) -> None:
        self._between_scenes = True
        self.closing.emit()
        self.use(None)
        self._last = None

    def _on_start_import(self, caller: Any, event: str) -> None:
        self._between_scenes = True
        self.use(None)

    def _on_new_scene(self, caller: Any, event: str) -> None:
        self._between_scenes = False
        if self._is_entered():
            self.show()

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def _on_removal(self, scene: Any, event: str, node: Any) -> None:
        """Give the node up before the selectors choose a neighbour."""
        if scene.IsClosing():
            return
        if node is self._last:
            self._last = None
        if self.parameters is not None and node is node_of(self.parameters):
            self.use(None)
            self._ui.parameterSetSelector.setCurrentNode(None)
        held = forget(self.parameters, node) if self.parameters is not None else []
        self.removing.emit(node, held)

    def _on_removed(self, scene: Any, event: str) -> None:
        if not scene.IsClosing() and self.parameters is not None:
            self.changed.emit()
