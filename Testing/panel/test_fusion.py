"""The ways to look at CT and MR together: chosen in a list, remembered, and switched with a key."""

from __future__ import annotations

import pytest
from host.application import make_panel
from panel.replay import start


@pytest.fixture
def ways(panel, engine):
    """The list of a finished run."""
    start(panel)
    engine.finish()
    panel.ui.fusedButton.click()
    return panel.ui.fusionComboBox


def choose(ways, words: str) -> None:
    texts = [ways.itemText(index) for index in range(ways.count)]
    ways.currentIndex = next(index for index, text in enumerate(texts) if words in text)


def layers(scene, host) -> list[tuple[str, str | None]]:
    """Names of the images at the back and in front, by view."""

    def name(node_id):
        return scene.GetNodeByID(node_id).GetName() if node_id else None

    composites = host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    return [(name(c.GetBackgroundVolumeID()), name(c.GetForegroundVolumeID())) for c in composites]


def test_each_way_shows_the_registered_ct(panel, ways, scene, host):
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    usual = layout.GetViewArrangement()
    for words, colored in (("grey", False), ("Checkerboard", False), ("bone", True)):
        choose(ways, words)
        assert layers(scene, host)[:3] == [("Phantom MR", "Phantom CT registered")] * 3
        shown = scene.GetFirstNodeByName("Phantom CT registered").GetDisplayNode()
        assert (shown.GetColorNode().GetName() == "Bone of the CT") == colored
    choose(ways, "side by side")
    assert layout.GetViewArrangement() != usual
    beside = layers(scene, host)[3:]
    assert sorted(beside) == [("Phantom CT registered", None)] * 2 + [("Phantom MR", None)] * 2
    assert scene.GetFirstNodeByClass("vtkMRMLCrosshairNode").GetCrosshairMode() != 0
    choose(ways, "grey")
    assert layout.GetViewArrangement() == usual


def test_the_way_is_remembered_for_the_next_patient(panel, ways):
    choose(ways, "Checkerboard")
    other = make_panel()
    assert "Checkerboard" in other.ui.fusionComboBox.currentText
    other.cleanup()
    other.parent.delete()


def test_a_key_takes_the_ct_away_and_brings_it_back(panel, ways, scene, host):
    def opacities() -> set[float]:
        composites = host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
        return {round(c.GetForegroundOpacity(), 2) for c in composites}

    assert panel.ui.blinkButton._object.shortcut().toString() == "T"
    for words, full in (("grey", 0.5), ("Checkerboard", 1.0)):
        choose(ways, words)
        assert opacities() == {full}
        panel.ui.blinkButton.click()
        assert opacities() == {0.0}
        panel.ui.blinkButton.click()
        assert opacities() == {full}
