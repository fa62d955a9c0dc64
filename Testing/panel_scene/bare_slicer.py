"""A MRML scene with the logic that a running Slicer has around it, without windows."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk


class BareSlicer:
    """A scene whose nodes, colours, segmentations and slices work as in Slicer."""

    def __init__(self, cache: Path | None = None) -> None:
        """`cache` is where scene files are unpacked."""
        self.scene = slicer.vtkMRMLScene()
        self.application = slicer.vtkSlicerApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.logics = [slicer.vtkSlicerSegmentationsModuleLogic(), slicer.vtkSlicerColorLogic()]
        self.scene.RegisterNodeClass(slicer.vtkMRMLMarkupsJsonStorageNode())
        for logic in self.logics:
            logic.SetMRMLApplicationLogic(self.application)
            logic.SetMRMLScene(self.scene)
        self.slices = vtk.vtkCollection()
        self.application.SetSliceLogics(self.slices)
        if cache is not None:
            self._unpack_into(cache)

    def add_slice(self, orientation: str) -> slicer.vtkMRMLSliceLogic:
        """A slice view of 200 x 200 pixels and millimetres."""
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        node = logic.AddSliceNode(orientation)
        node.SetOrientation(orientation)
        logic.ResizeSliceNode(200, 200)
        node.SetFieldOfView(200.0, 200.0, 1.0)
        self.slices.AddItem(logic)
        return logic

    def _unpack_into(self, cache: Path) -> None:
        manager, self.io = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        manager.SetRemoteCacheDirectory(str(cache))
        self.io.SetCacheManager(manager)
        self.scene.SetCacheManager(manager)
        self.scene.SetDataIOManager(self.io)
