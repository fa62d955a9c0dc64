"""Slice views of a bare MRML scene, rendered off screen.

    PYTHONPATH=Testing python -m panel_scene.slice_rendering RESULTS PATIENT PICTURES

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
from panel_scene.bare_slicer import BareSlicer
from PIL import Image, ImageDraw, ImageFont
from SpineCTMRRegistrationLib import views
from SpineCTMRRegistrationLib.contours import show_contours
from SpineCTMRRegistrationLib.deformation_grid import show_grid
from SpineCTMRRegistrationLib.fusion import Fusion
from SpineCTMRRegistrationLib.result_nodes import Outputs, ResultNodes, SourceNodes
from SpineCTMRRegistrationLib.results_in_scene import load_results
from SpineCTMRRegistrationLib.sample_data import SampleNodes, load_sample
from SpineCTMRRegistrationLib.scene import placement_of
from SpineCTMRRegistrationLib.source_vertebrae import source_vertebrae
from SpineCTMRRegistrationLib.vertebra_slices import jump_to_vertebra
from vtk.util.numpy_support import vtk_to_numpy

SIZE_PX = (320, 330)
GAP_PX, TITLE_PX, FRAME_GREY = 6, 26, 40
MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceWindow:
    """One slice view with its logic and an off-screen window."""

    def __init__(self, host: BareSlicer, orientation: str) -> None:
        self.logic = host.add_slice(orientation)
        self.node = self.logic.GetSliceNode()
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


def row_of(windows: list[SliceWindow], caption: str) -> np.ndarray:
    """The views side by side under a caption."""
    gap = np.full((SIZE_PX[1], GAP_PX, 3), FRAME_GREY, np.uint8)
    panels = [panel for window in windows for panel in (window.picture(), gap)]
    row = np.concatenate(panels[:-1], axis=1)
    title = Image.new("RGB", (row.shape[1], TITLE_PX), (FRAME_GREY,) * 3)
    ImageDraw.Draw(title).text((8, TITLE_PX // 2), caption, (230, 230, 230), ImageFont.load_default(15), "lm")
    return np.concatenate([np.asarray(title), row])


def render_checks(
    windows: list[SliceWindow], sample: SampleNodes, result: ResultNodes
) -> dict[str, np.ndarray]:
    """The visual checks of a result as pictures by name."""
    layers = views.slice_views(sample.mr.GetScene())
    middle = list(result.vertebra_transforms)[len(result.vertebra_transforms) // 2]
    views.set_foreground_opacity(layers, 0.5)
    sample.vertebrae.SetDisplayVisibility(False)
    for window in windows:
        window.fit(125)
    jump_to_vertebra(layers, result, middle)
    pictures = {}
    views.show_before(layers, sample.mr, result.ct_in_mr, result.table, Fusion.BONE)
    before = row_of(windows[:2], "Bone of the CT on the MR at the rigid start")
    views.show_fused(layers, sample.mr, result.ct_in_mr, Fusion.BONE)
    pictures["fused"] = np.concatenate([before, row_of(windows[:2], "Bone of the CT on the MR, registered")])
    views.show_fused(layers, sample.mr, result.ct_in_mr, Fusion.CHECKERBOARD, 1.0)
    pictures["checkerboard"] = row_of(windows, "Every other box shows the CT")
    views.show_fused(layers, sample.mr, result.ct_in_mr, Fusion.GREY, 0.5)
    pictures["grey"] = row_of(windows, "CT in grey over the MR")
    show_contours(result.vertebrae_in_mr)
    views.set_foreground_opacity(layers, 0.0)
    pictures["contours"] = row_of(windows, "Registered CT vertebrae on the MR")
    views.show_heatmap(layers, sample.mr, result.jacobian)
    pictures["heatmap"] = row_of(windows, "Volume change: blue = larger in the MR, red = smaller")
    show_contours(result.vertebrae_in_mr, False)
    views.show_fused(layers, sample.mr, result.ct_in_mr, Fusion.GREY, 0.0)
    show_grid(result)
    pictures["grid"] = row_of(windows, "Deformation grid")
    show_grid(result, False)
    return pictures


def use_egl() -> None:
    """Render without a display; call before the first window is made."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


def main(results: Path, patient: Path, pictures: Path) -> None:
    use_egl()
    host = BareSlicer()
    sample = load_sample(host.scene, patient)
    placement = placement_of(sample.ct, sample.vertebrae)
    at_start = source_vertebrae(sample.ct, sample.vertebrae, placement)
    sources = SourceNodes(sample.ct, sample.mr, sample.vertebrae, placement, at_start)
    result = load_results(host.scene, results, sources, Outputs())
    windows = [SliceWindow(host, orientation) for orientation in ("Axial", "Sagittal", "Coronal")]
    pictures.mkdir(exist_ok=True)
    for name, picture in render_checks(windows, sample, result).items():
        Image.fromarray(picture).save(pictures / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
