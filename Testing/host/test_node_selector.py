"""The node selector's stand-in behaves as Slicer's was seen to (5.12.3) and as its source reads."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", exc_type=ImportError, reason="slicer-core is not installed")
pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError, reason="Qt's system libraries are missing")

from host import application

application.start()

import slicer  # noqa: E402

VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def scene():
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(False)


def selector(scene, none: bool = True, actions: bool = False):
    """A selector of volumes, and what it says when another one is chosen."""
    box, said = slicer.qMRMLNodeComboBox(), []
    box.nodeTypes = [VOLUME]
    box.noneEnabled = none
    box.addEnabled = box.removeEnabled = box.renameEnabled = actions
    box.setMRMLScene(scene)
    box.currentNodeChanged.connect(said.append)
    return box, said


def volumes(scene, *names: str) -> list:
    return [scene.AddNewNodeByClass(VOLUME, name) for name in names]


@pytest.mark.parametrize("actions", [False, True])
def test_it_goes_to_a_neighbour_when_its_node_is_deleted(scene, actions):
    box, said = selector(scene, actions=actions)
    first, second, third = volumes(scene, "A", "B", "C")
    box.setCurrentNode(second)
    said.clear()
    scene.RemoveNode(second)
    assert box.currentNode() is third
    assert said[-1] is third
    scene.RemoveNode(third)
    assert box.currentNode() is first
    scene.RemoveNode(first)
    assert box.currentNode() is None
    assert said[-1] is None


def test_it_hears_of_a_removal_after_everybody_else(scene):
    box, _ = selector(scene)
    first, second = volumes(scene, "A", "B")
    box.setCurrentNode(first)
    tag = scene.AddObserver(scene.NodeAboutToBeRemovedEvent, lambda *_: box.setCurrentNode(None))
    scene.RemoveNode(first)
    scene.RemoveObserver(tag)
    assert box.currentNode() is None
    assert scene.IsNodePresent(second)


@pytest.mark.parametrize("none", [False, True])
def test_an_import_leaves_nothing_chosen_and_says_so_before_later_observers_hear_of_it(scene, none, tmp_path):
    volumes(scene, "Saved")
    scene.SetURL(str(tmp_path / "scene.mrml"))
    assert scene.Commit()
    box, said = selector(scene, none, actions=not none)
    box.setCurrentNode(volumes(scene, "Here")[0])
    said.clear()
    heard = []
    tag = scene.AddObserver(
        scene.EndImportEvent, lambda *_: heard.append((list(said), scene.IsBatchProcessing()))
    )
    scene.Import()
    scene.RemoveObserver(tag)
    assert heard == [([None], False)]
    assert box.currentNode() is None
    assert box.nodeCount() == 3


def test_only_a_users_choice_is_told_as_one(scene):
    box, _ = selector(scene)
    first, second = volumes(scene, "A", "B")
    chosen = []
    box.nodeActivated.connect(chosen.append)
    box.setCurrentNode(first)
    scene.RemoveNode(first)
    assert chosen == []
    assert box.currentNode() is second
    box._object.choose(second)
    box._object.choose(None)
    assert chosen == [second, None]


def test_a_node_is_offered_by_what_it_is_when_it_comes(scene):
    box, _ = selector(scene)
    box.addAttribute(VOLUME, "Kind", None)
    plain = volumes(scene, "A")[0]
    plain.SetAttribute("Kind", "late")
    box.setCurrentNode(plain)
    assert box.currentNode() is None
    marked = slicer.vtkMRMLScalarVolumeNode()
    marked.SetAttribute("Kind", "known")
    scene.AddNode(marked)
    box.setCurrentNode(marked)
    assert box.currentNode() is marked
