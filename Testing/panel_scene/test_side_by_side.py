"""The layout with MR and CT beside each other, in a scene that was saved in it."""

from __future__ import annotations

from pathlib import Path

import slicer
from panel_scene.bare_slicer import BareSlicer
from SpineCTMRRegistrationLib.side_by_side import (
    CT_VIEWS,
    LAYOUT,
    MR_VIEWS,
    leave_side_by_side,
    open_side_by_side,
    register_layout,
    side_by_side_is_open,
)

ONE_VIEW = 6


def with_layouts(cache: Path) -> tuple[slicer.vtkMRMLScene, slicer.vtkMRMLLayoutNode]:
    """A Slicer that shows one view, with those that the layout would make."""
    scene = BareSlicer(cache).scene
    layout = scene.AddNewNodeByClass("vtkMRMLLayoutNode", "Layout")
    layout.SetSingletonTag("vtkMRMLLayoutNode")
    layout.AddLayoutDescription(ONE_VIEW, '<layout type="vertical"></layout>')
    layout.SetViewArrangement(ONE_VIEW)
    for name in (*MR_VIEWS, *CT_VIEWS):
        for kind in (slicer.vtkMRMLSliceNode, slicer.vtkMRMLSliceCompositeNode):
            node = kind()
            node.SetLayoutName(name)
            node.SetSingletonTag(name)
            scene.AddNode(node)
    return scene, layout


def saved_beside(folder: Path) -> str:
    """A scene that was saved with MR and CT beside each other."""
    folder.mkdir()
    scene, layout = with_layouts(folder)
    open_side_by_side(scene)
    assert layout.GetViewArrangement() == LAYOUT
    path = str(folder / "scene.mrb")
    assert scene.WriteToMRB(path)
    return path


def test_a_saved_layout_opens_in_the_next_slicer(tmp_path: Path) -> None:
    path = saved_beside(tmp_path / "first")
    scene, layout = with_layouts(tmp_path)
    register_layout(scene)
    assert scene.ReadFromMRB(path)
    assert side_by_side_is_open(scene)
    assert "SpineMRSagittal" in layout.GetCurrentLayoutDescription()
    leave_side_by_side(scene)
    assert layout.GetViewArrangement() == ONE_VIEW


def test_a_layout_that_slicer_does_not_know_is_not_open(tmp_path: Path) -> None:
    path = saved_beside(tmp_path / "first")
    scene, layout = with_layouts(tmp_path)
    assert scene.ReadFromMRB(path)
    assert not side_by_side_is_open(scene)
    open_side_by_side(scene)
    assert side_by_side_is_open(scene)
    assert "SpineMRSagittal" in layout.GetCurrentLayoutDescription()
    leave_side_by_side(scene)
    assert layout.GetViewArrangement() == ONE_VIEW
