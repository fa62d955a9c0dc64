"""Slicer's layout manager: real MRML layouts and view nodes, and one 3-D view without a window."""

from __future__ import annotations

from typing import Any

import slicer
import vtk


class LayoutManager:
    """`slicer.app.layoutManager()`, as far as the panel uses it."""

    threeDViewCount = 1

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self._view = ThreeDView()
        scene.AddObserver(scene.NodeAddedEvent, self._on_node)
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene):
            self._add_composite(node)
        scene.AddNewNodeByClass("vtkMRMLCrosshairNode").SetSingletonTag("default")
        self.resets = 0

    def threeDWidget(self, index: int) -> ThreeDWidget:
        return ThreeDWidget(self._view)

    def resetThreeDViews(self) -> None:
        self.resets += 1

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node(self, scene: Any, event: str, node: Any) -> None:
        """A slice view that is made gets its widget, which makes the node of its layers."""
        if node.IsA("vtkMRMLSliceNode") and not scene.IsImporting():
            self._add_composite(node)

    def _add_composite(self, node: Any) -> None:
        name = node.GetLayoutName()
        if name and self._scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode") is None:
            composite = slicer.vtkMRMLSliceCompositeNode()
            composite.SetSingletonTag(name)
            composite.SetLayoutName(name)
            self._scene.AddNode(composite)


class ThreeDWidget:
    """What holds a 3-D view."""

    def __init__(self, view: ThreeDView) -> None:
        self._view = view

    def threeDView(self) -> ThreeDView:
        return self._view


class ThreeDView:
    """A 3-D view with a renderer and an interactor, drawn nowhere."""

    def __init__(self) -> None:
        self.renderer, self._window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.SetSize(300, 300)
        self._window.AddRenderer(self.renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._interactor.SetRenderWindow(self._window)

    def interactor(self) -> Any:
        return self._interactor

    def renderWindow(self) -> Any:
        return self._window
