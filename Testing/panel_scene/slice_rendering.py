"""Slice views of a bare MRML scene, rendered off screen.

    python slice_rendering.py RESULTS PATIENT PICTURES

renders the visual checks of a folder of results (`spine-ctmr register`) of a patient
(`spine-ctmr phantom`) to PNG files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import slicer
import vtk
from PIL import Image
from SpineCTMRRegistrationLib.panel import views
from SpineCTMRRegistrationLib.panel.results_in_scene import Outputs, ResultNodes, SourceNodes, load_results
from SpineCTMRRegistrationLib.panel.sample_data import SampleNodes, load_sample
from vtk.util.numpy_support import vtk_to_numpy

SIZE_PX = (420, 460)
MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class BareSlicer:
    """A scene with the logic that a running Slicer has around it, and slice views in chosen planes."""

    def __init__(self, orientations: tuple[str, ...] = ("Axial", "Sagittal", "Coronal")) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.application = slicer.vtkMRMLApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
        self.segmentations.SetMRMLScene(self.scene)
        self.colors = slicer.vtkSlicerColorLogic()
        self.colors.SetMRMLApplicationLogic(self.application)
        self.colors.SetMRMLScene(self.scene)
        self.views = [SliceWindow(self, orientation) for orientation in orientations]
        logics = vtk.vtkCollection()
        for view in self.views:
            logics.AddItem(view.logic)
        self.application.SetSliceLogics(logics)


class SliceWindow:
    """One slice view with its logic and an off-screen window."""

    def __init__(self, host: BareSlicer, orientation: str) -> None:
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(host.application)
        self.logic.SetMRMLScene(host.scene)
        self.node = self.logic.AddSliceNode(orientation)
        self.node.SetOrientation(orientation)
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(True)
        self.window.SetSize(*SIZE_PX)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.Initialize()
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self.mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(host.application)
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.managers = factory.InstantiateDisplayableManagers(self.renderer)
        self.managers.SetMRMLDisplayableNode(self.node)
        self.logic.ResizeSliceNode(*SIZE_PX)

    def fit(self, millimetres: float) -> None:
        """Show that much of the slice from left to right."""
        width, height = SIZE_PX
        self.node.SetFieldOfView(millimetres, millimetres * height / width, 1.0)

    def picture(self) -> np.ndarray:
        """What the view shows, (rows, columns, 3) from 0 to 255."""
        self.mapper.SetInputConnection(self.logic.GetImageDataConnection())
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        columns, rows, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3].copy()


def row_of(windows: list[SliceWindow]) -> np.ndarray:
    """The views side by side."""
    gap = np.full((SIZE_PX[1], 6, 3), 40, np.uint8)
    panels = [panel for window in windows for panel in (window.picture(), gap)]
    return np.concatenate(panels[:-1], axis=1)


def render_checks(host: BareSlicer, sample: SampleNodes, result: ResultNodes) -> dict[str, np.ndarray]:
    """The visual checks of a result as pictures by name."""
    layers = views.slice_views(host.scene)
    middle = list(result.vertebra_transforms)[len(result.vertebra_transforms) // 2]
    views.show_contours(result.vertebrae_in_mr, False)
    sample.vertebrae.SetDisplayVisibility(False)
    for window in host.views:
        window.fit(130)
    views.jump_to_vertebra(layers, result, middle)
    pictures = {}
    ct = views.registered_ct(sample.ct, result)
    views.show_fused(layers, sample.mr, ct)
    pictures["fused"] = row_of(host.views)
    views.show_before(layers, sample.mr, sample.ct, result.table)
    pictures["before"] = row_of(host.views)
    views.show_after(layers, sample.mr, ct)
    views.show_contours(result.vertebrae_in_mr, source=sample.vertebrae)
    views.set_foreground_opacity(layers, 0.0)
    pictures["contours"] = row_of(host.views)
    views.show_heatmap(layers, sample.mr, result.jacobian)
    pictures["heatmap"] = row_of(host.views)
    views.show_contours(result.vertebrae_in_mr, False)
    views.show_fused(layers, sample.mr, ct, 0.0)
    views.show_grid(result.transform, sample.mr)
    pictures["grid"] = row_of(host.views)
    views.show_grid(result.transform, sample.mr, False)
    return pictures


def use_egl() -> None:
    """Render without a display; call before the first window is made."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


def main(results: Path, patient: Path, pictures: Path) -> None:
    use_egl()
    host = BareSlicer()
    sample = load_sample(host.scene, patient)
    result = load_results(host.scene, results, SourceNodes(sample.ct, sample.mr, sample.vertebrae), Outputs())
    pictures.mkdir(exist_ok=True)
    for name, picture in render_checks(host, sample, result).items():
        Image.fromarray(picture).save(pictures / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
