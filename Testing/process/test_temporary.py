"""Folders with a patient's images go with their program, or when the next one starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from spine_ctmr.process.temporary import PREFIX, OwnedFolder, remove_abandoned

PROGRAM = """
import sys
from pathlib import Path
from spine_ctmr.process.temporary import OwnedFolder
folder = OwnedFolder(Path(sys.argv[1]))
(folder.path / "ct.nrrd").write_text("a patient")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_killed_program_leaves_is_removed_by_the_next(tmp_path: Path, ending: signal.Signals) -> None:
    words = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert program.stdout.readline() == b"ready\n"
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.glob("*/ct.nrrd")] == ["ct.nrrd"]  # it lives and may need it
    program.send_signal(ending)
    program.communicate()
    assert len(list(tmp_path.iterdir())) == 1
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_our_own_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}notes").mkdir()
    (tmp_path / "other").mkdir()
    mine = OwnedFolder(tmp_path)
    remove_abandoned(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    mine.remove()
    assert len(list(tmp_path.iterdir())) == 2
