"""Pictures of the panel for the README and the tutorial: `python Testing/host/screenshot.py`.

Makes the sample patient, drives the panel by clicks through two runs, the second with an MR that ends
inside the uppermost vertebra, and writes `docs/tutorial/panel-*.png` and `view-*.png` beside them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[0] = str(Path(__file__).resolve().parents[1])

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "tutorial"
WIDTH, LONGEST_S = 460, 900.0
LARGEST_BYTES = 240_000


def main() -> None:
    """Write the pictures."""
    from panel_scene.slice_rendering import SliceWindow, render_checks, use_egl

    from host import application
    from host.waiting import wait

    use_egl()
    slicer = application.start()
    panel = application.make_panel()
    slices = [SliceWindow(slicer.app.mrml, orientation) for orientation in ("Axial", "Sagittal", "Coronal")]
    from SpineCTMRRegistrationLib.result_nodes import results_of
    from SpineCTMRRegistrationLib.sample_data import SampleNodes

    sample = panel.logic.make_sample_source()
    sample.load()
    wait(lambda: not sample.running, LONGEST_S)
    ct, mr, vertebrae, points = sample.nodes
    save(picture_of(panel), "panel-inputs")
    panel.ui.registerButton.click()
    wait(lambda: panel.ui.progressBar.value > 400, LONGEST_S)
    save(picture_of(panel), "panel-running")
    wait(lambda: not panel.session.running, LONGEST_S)
    look(panel, slices)
    save(beside(picture_of(panel), [slices[1].picture(), slices[0].picture()]), "panel-result")
    result = results_of(panel.logic.getParameterNode().table)
    views = render_checks(slices, SampleNodes(ct, mr, vertebrae, points), result)
    for name in ("fused", "contours", "checkerboard", "heatmap", "grid"):
        save(Image.fromarray(views[name]), f"view-{name}")
    cut_above(mr, points.GetNthControlPointPositionWorld(0))
    panel.ui.registerButton.click()
    wait(lambda: not panel.session.running, LONGEST_S)
    save(picture_of(panel), "panel-doubts")
    panel.cleanup()


def look(panel: Any, slices: list[Any]) -> None:
    """Accept the first vertebra, and click the one in the middle; the new result is shown already."""
    panel.ui.vertebraTable.selectRow(0)
    panel.ui.acceptButton.click()
    panel.ui.vertebraTable.selectRow(1)
    panel.ui.vertebraTable.cellClicked.emit(1, 0)
    for window in slices:
        window.fit(130)


def cut_above(volume: Any, point: Any) -> None:
    """Remove what lies above a point (RAS mm), along the volume's axis that is nearest to superior."""
    import slicer
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    ijk_to_ras = slicer.util.arrayFromVTKMatrix(matrix)
    axis = int(np.argmax(np.abs(ijk_to_ras[2, :3])))
    voxels = slicer.util.arrayFromVolume(volume)
    at = (np.linalg.inv(ijk_to_ras) @ [*point, 1.0])[axis]
    index = np.arange(voxels.shape[2 - axis])
    kept = np.flatnonzero(index <= at if ijk_to_ras[2, axis] > 0 else index >= at)
    origin = np.zeros(4)
    origin[[axis, 3]] = kept[0], 1
    slicer.util.updateVolumeFromArray(volume, np.take(voxels, kept, axis=2 - axis).copy())
    volume.SetOrigin(*(ijk_to_ras @ origin)[:3])


def picture_of(panel: Any) -> Image.Image:
    """The panel at its natural height."""
    from PySide6.QtGui import QImage

    window = panel.parent._object
    for _ in range(3):
        window.resize(WIDTH, window.sizeHint().height())
        wait_a_moment()
    grabbed = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    size = grabbed.width(), grabbed.height()
    return Image.frombytes("RGB", size, bytes(grabbed.constBits()), "raw", "RGB", grabbed.bytesPerLine())


def beside(panel: Image.Image, slices: list[np.ndarray]) -> Image.Image:
    """The panel and a column of slice views."""
    column = Image.fromarray(np.concatenate(slices))
    whole = Image.new("RGB", (panel.width + column.width, max(panel.height, column.height)))
    whole.paste(panel, (0, 0))
    whole.paste(column, (panel.width, 0))
    return whole


def save(picture: Image.Image, name: str) -> None:
    """With all its colours, since fewer speckle the greys of an MR; smaller if the file is too large."""
    file = PICTURES / f"{name}.png"
    picture.save(file, optimize=True)
    if file.stat().st_size > LARGEST_BYTES:
        size = round(0.9 * picture.width), round(0.9 * picture.height)
        save(picture.resize(size, Image.LANCZOS), name)


def wait_a_moment() -> None:
    """Let Qt lay out and draw."""
    import slicer

    for _ in range(5):
        slicer.app.processEvents()


if __name__ == "__main__":
    main()
