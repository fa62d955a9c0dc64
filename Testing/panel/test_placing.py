"""Placing the centres in the MR, level by level; no engine."""

from __future__ import annotations

import pytest
from panel.choices import cells, what_is_missing


def test_placing_asks_for_one_level_after_the_other(panel, chosen, scene, host):
    interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    panel.ui.placeButton.click()
    points = panel.ui.mrVertebraeSelector.currentNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert interaction.GetPlaceModePersistence()
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    assert selection.GetActivePlaceNodeID() == points.GetID()
    composites = host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    assert {c.GetBackgroundVolumeID() for c in composites} == {chosen[1].GetID()}
    assert "L3" in panel.ui.placingLabel.text
    assert "place the centres" in what_is_missing(panel)
    points.SetNthControlPointPosition(0, 1.0, 2.0, 3.0)
    assert "L4" in panel.ui.placingLabel.text
    assert what_is_missing(panel) == ""
    panel.ui.skipButton.click()
    assert "L5" in panel.ui.placingLabel.text
    points.SetNthControlPointPosition(2, 1.0, 2.0, -60.0)
    assert not panel.ui.placingLabel.visible
    assert not panel.ui.placeButton.checked
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    in_mr = cells(panel.ui.segmentTable, 2)
    assert in_mr[0] == in_mr[2] != in_mr[1]


def test_placing_begins_where_the_user_clicks_in_the_table(panel, chosen):
    table = panel.ui.segmentTable
    table.cellClicked.emit(1, 0)  # nothing is placed yet
    panel.ui.placeButton.click()
    points = panel.ui.mrVertebraeSelector.currentNode()
    table.cellClicked.emit(1, 0)
    assert "Next: L4" in panel.ui.placingLabel.text
    points.SetNthControlPointPosition(1, 1.0, 2.0, 3.0)
    assert "Next: L5" in panel.ui.placingLabel.text
    table.cellClicked.emit(0, 0)
    assert "Next: L3" in panel.ui.placingLabel.text
    points.SetNthControlPointPosition(0, 1.0, 2.0, 33.0)
    table.cellClicked.emit(1, 0)  # it has its place already
    assert "Next: L5" in panel.ui.placingLabel.text
    assert points.GetNthControlPointPositionStatus(1) == points.PositionDefined


def position(points, index: int) -> list[float]:
    return [round(c, 3) for c in points.GetNthControlPointPositionWorld(index)]


def test_the_level_that_is_named_is_the_one_that_a_click_places(panel, chosen, scene):
    """With the pointer over the view, the next point is a preview already."""
    from host.pointer import Pointer

    panel.ui.placeButton.click()
    points, pointer = panel.ui.mrVertebraeSelector.currentNode(), Pointer(scene)
    for index, level in enumerate(("L3", "L4", "L5")):
        pointer.move((0.0, 0.0, 1.0))
        assert points.GetNthControlPointPositionStatus(index) == points.PositionPreview
        assert f"Next: {level}" in panel.ui.placingLabel.text
        assert panel.ui.skipButton.enabled
        pointer.click((0.0, 5.0, -30.0 * index))
        assert position(points, index) == [0.0, 5.0, -30.0 * index]
    assert not panel.ui.placeButton.checked
    assert not panel.ui.placingLabel.visible
    assert what_is_missing(panel) == ""


@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "hidden"])
def test_the_cts_vertebrae_do_not_name_levels_while_placing(panel, chosen, drawn):
    """They lie elsewhere, and Slicer's data probe reads their names; afterwards they are as before."""
    chosen[2].CreateDefaultDisplayNodes()
    display = chosen[2].GetDisplayNode()
    display.SetVisibility2D(drawn)
    panel.ui.placeButton.click()
    assert not display.GetVisibility2D()
    panel.ui.placeButton.click()
    assert bool(display.GetVisibility2D()) == drawn


def test_a_preview_is_no_placed_point(panel, chosen, scene):
    from host.pointer import Pointer

    panel.ui.placeButton.click()
    pointer = Pointer(scene)
    pointer.move((0.0, 0.0, 1.0))
    assert "place the centres" in what_is_missing(panel)
    pointer.leave()
    assert "Next: L3" in panel.ui.placingLabel.text


def test_skipping_and_going_to_a_level_with_the_pointer_over_the_view(panel, chosen, scene):
    """As by a key; a button is pressed when the pointer has left the view."""
    from host.pointer import Pointer

    table = panel.ui.segmentTable
    panel.ui.placeButton.click()
    points, pointer = panel.ui.mrVertebraeSelector.currentNode(), Pointer(scene)
    pointer.move((0.0, 0.0, 1.0))
    panel.ui.skipButton.click()
    pointer.click((0.0, 0.0, -30.0))
    assert points.GetNthControlPointPositionStatus(0) == points.PositionMissing
    assert position(points, 1) == [0.0, 0.0, -30.0]
    pointer.move((0.0, 0.0, 2.0))
    table.cellClicked.emit(0, 0)
    assert "Next: L3" in panel.ui.placingLabel.text
    pointer.click((0.0, 0.0, 0.0))
    assert position(points, 0) == [0.0, 0.0, 0.0]
    assert points.GetNthControlPointPositionStatus(2) != points.PositionDefined
    assert "Next: L5" in panel.ui.placingLabel.text


def test_placing_goes_on_with_the_points_that_are_there(panel, chosen, scene):
    panel.ui.placeButton.click()
    points = panel.ui.mrVertebraeSelector.currentNode()
    points.SetNthControlPointPosition(0, 1.0, 2.0, 3.0)
    panel.ui.placeButton.click()
    chosen[2].GetSegmentation().AddEmptySegment("T12", "T12")
    panel.ui.placeButton.click()
    assert panel.ui.mrVertebraeSelector.currentNode() is points
    labels = [points.GetNthControlPointLabel(i) for i in range(points.GetNumberOfControlPoints())]
    assert labels == ["L3", "L4", "L5", "T12"]
    assert "L4" in panel.ui.placingLabel.text
    scene.RemoveNode(points)
    assert not panel.ui.placeButton.checked


def test_leaving_the_module_ends_placing_and_coming_back_shows_the_choices(panel, chosen, scene):
    from host.application import enter, leave

    panel.ui.placeButton.click()
    leave(panel)
    interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    enter(panel)
    assert panel.ui.ctSelector.currentNode() is chosen[0]
