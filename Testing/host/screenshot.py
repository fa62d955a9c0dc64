"""Pictures of the panel for the README and the tutorial: `python Testing/host/screenshot.py`.

Makes the sample patient, drives the panel by clicks through a whole run, and writes
`Resources/panel-*.png`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[0] = str(Path(__file__).resolve().parents[1])

PICTURES = Path(__file__).resolve().parents[2] / "Resources"
WIDTH = 460


def main() -> None:
    """Write the pictures."""
    from host import application
    from host.waiting import wait

    slicer = application.start()
    panel = application.make_panel()
    panel.parent.setStyleSheet("QWidget { font-size: 12px; }")
    import SpineCTMRRegistration as module

    ct, mr, vertebrae, points = module.load_sample()
    panel.ui.ctSelector.setCurrentNode(ct)
    panel.ui.mrSelector.setCurrentNode(mr)
    panel.ui.vertebraeSelector.setCurrentNode(vertebrae)
    panel.ui.mrVertebraeSelector.setCurrentNode(points)
    save(panel, "panel-inputs")
    panel.ui.registerButton.click()
    wait(lambda: panel.ui.progressBar.value > 400)
    save(panel, "panel-running")
    wait(lambda: not panel.session.running)
    save(panel, "panel-result")
    panel.cleanup()
    slicer.mrmlScene.Clear(False)


def save(panel: Any, name: str) -> None:
    """The panel at its natural height."""
    window = panel.parent._object
    for _ in range(3):
        window.resize(WIDTH, window.sizeHint().height())
        wait_a_moment()
    picture = window.grab()
    picture.save(str(PICTURES / f"{name}.png"))


def wait_a_moment() -> None:
    """Let Qt lay out and draw."""
    import slicer

    for _ in range(5):
        slicer.app.processEvents()


if __name__ == "__main__":
    main()
