"""Register while packages are installed: the window answers meanwhile, so that anything may happen."""

from __future__ import annotations

import pytest
from panel.choices import hint
from panel.replay import start
from spine_ctmr.errors import SpineError


@pytest.fixture
def meanwhile(monkeypatch):
    """What the user does while packages are installed, once."""
    from SpineCTMRRegistrationLib import dependencies

    doing = []

    def ensure(ask, installer):
        for action in doing[:]:
            doing.remove(action)
            action()
        return True

    monkeypatch.setattr(dependencies, "ensure", ensure)
    return doing


def test_a_second_click_starts_no_second_run(panel, engine, meanwhile, monkeypatch):
    started, told = [], []
    start_session = panel.session.start
    monkeypatch.setattr(panel.session, "start", lambda *given: (started.append(given), start_session(*given)))

    def click():
        panel.ui.seedSpinBox.value = 5  # which shows anew what can be pressed
        told.append((panel.ui.statusLabel.text, hint(panel.ui.registerButton)))
        panel.ui.registerButton.click()

    meanwhile.append(click)
    start(panel)
    assert told == [("Installing…", "Installing…")]
    assert len(started) == 1
    with pytest.raises(SpineError, match="A registration is running"):
        start_session(panel.logic.getParameterNode())
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert panel.ui.registerButton.enabled


def test_the_module_left_meanwhile_starts_nothing(panel, engine, meanwhile):
    from host.application import enter, leave

    meanwhile.append(lambda: leave(panel))
    panel.ui.registerButton.click()
    assert not panel.session.running
    enter(panel)
    assert panel.ui.statusLabel.text == "The packages are installed; press Register again."
    assert not panel.ui.progressBar.visible
    start(panel)
    engine.finish()


def test_a_scene_closed_meanwhile_starts_nothing(panel, engine, meanwhile, scene):
    meanwhile.append(lambda: scene.Clear(False))
    panel.ui.registerButton.click()
    assert not panel.session.running
    assert panel.ui.statusLabel.text == "The packages are installed; press Register again."
    assert not panel.ui.progressBar.visible
    assert panel.ui.readyLabel.text == "Choose the CT."
