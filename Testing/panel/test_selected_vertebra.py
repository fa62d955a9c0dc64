"""Which vertebra of a result is looked at: its row, clicks on models, slices; the engine is replayed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from panel.choices import slices_of


def flag_rows(result, *flags: str) -> None:
    """Say in a result's table what its vertebrae are like."""
    from SpineCTMRRegistrationLib.result_table import QUALITY

    content = json.loads(result.table.GetAttribute(QUALITY))
    for row, flag in zip(content["vertebrae"], flags, strict=True):
        row["flag"] = flag
    result.table.SetAttribute(QUALITY, json.dumps(content))


@pytest.mark.parametrize(
    ("flags", "row"), [(("good",) * 3, 1), (("good", "good", "check"), 2), (("do not use",) * 3, 0)]
)
def test_the_first_doubtful_vertebra_is_looked_at_else_the_middle_one(panel, result, flags, row):
    flag_rows(result, *flags)
    panel.ui.seedSpinBox.value = 5
    panel._result.present()
    assert panel.ui.vertebraTable.currentRow() == row


def test_other_choices_leave_the_selected_row(panel, result):
    panel.ui.vertebraTable.selectRow(1)
    panel.ui.opacitySlider.value = 0.7
    panel.ui.seedSpinBox.value = 5
    assert panel.ui.vertebraTable.currentRow() == 1


@pytest.fixture
def model_view(host, result):
    """The 3-D view, with the models drawn in it as Slicer draws them; and a click at a point of the world."""
    import vtk
    from SpineCTMRRegistrationLib.result_nodes import results_of

    view = host.app.layoutManager().threeDWidget(0).threeDView()
    for model in results_of(result.table).vertebra_models.values():
        mapper, actor = vtk.vtkPolyDataMapper(), vtk.vtkActor()
        mapper.SetInputData(model.GetPolyData())
        actor.SetMapper(mapper)
        view.renderer.AddActor(actor)
    camera = view.renderer.GetActiveCamera()
    camera.SetPosition(0, 500, 0)  # from the front
    camera.SetViewUp(0, 0, 1)
    view.renderer.ResetCamera()

    def click(point, drag_px: int = 0) -> None:
        view.renderer.SetWorldPoint(*point, 1.0)
        view.renderer.WorldToDisplay()
        x, y, _ = (round(part) for part in view.renderer.GetDisplayPoint())
        view.interactor().SetEventPosition(x, y)
        view.interactor().InvokeEvent("LeftButtonPressEvent")
        view.interactor().SetEventPosition(x + drag_px, y)
        view.interactor().InvokeEvent("LeftButtonReleaseEvent")

    yield click
    view.renderer.RemoveAllViewProps()


def test_a_click_on_a_model_selects_its_row(panel, result, patient, model_view, scene, host):
    table, points = panel.ui.vertebraTable, patient.mr_landmarks
    bodies = [np.array(points.GetNthControlPointPositionWorld(i)) for i in range(3)]
    for name, body in (("L5", bodies[2]), ("L3", bodies[0]), ("L4", bodies[1])):
        model_view(body)
        assert table.item(table.currentRow(), 0).text() == name
        for node in slices_of(scene, host):
            center = host.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:3, 3]
            assert np.linalg.norm(center - body) < 6
    model_view(bodies[2], drag_px=30)  # the view is turned
    assert table.item(table.currentRow(), 0).text() == "L4"
    model_view(bodies[2] + [60, 0, 0])  # beside the spine
    assert table.item(table.currentRow(), 0).text() == "L4"
    panel.ui.modelsButton.click()
    model_view(bodies[0])  # not shown any more
    assert table.item(table.currentRow(), 0).text() == "L4"


def test_a_selected_row_keeps_the_colour_of_its_verdict(panel, result):
    from PySide6.QtGui import QColor

    table = panel.ui.vertebraTable
    flag_rows(result, "good", "check", "do not use")
    panel._refresh()
    for row, hue in enumerate((120, 45, 5)):
        table.selectRow(row)
        picture = table._object.viewport().grab().toImage()
        area = table._object.visualItemRect(table._object.item(row, 3))
        drawn = QColor(picture.pixel(area.right() - 3, area.center().y()))
        assert abs(drawn.hsvHue() - hue) < 15
        assert drawn.hsvSaturation() > 40
