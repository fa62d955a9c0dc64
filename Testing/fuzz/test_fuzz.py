"""The judge of damaged files knows a fault when it sees one, and finds none in twenty seconds of damage."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.process.untrusted import untrusted

if os.name != "posix":
    pytest.skip("forks", allow_module_level=True)

from . import trials
from .mutations import damaged
from .readers import Kind
from .trials import ACCEPTED, CRASH_TOLD, REFUSED, Trial, attempt

SOME_S = 20


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.json").write_text('{"L1": [1, 2, 3]}')
    return tmp_path / "seeds"


def outcome(seeds: Path, read: Callable[[Path, Path], object]) -> trials.Outcome:
    return attempt(Trial(Kind("stand-in", ("a.json",), read), 3), seeds)


def refuse(seeds: Path, path: Path) -> None:
    raise InputError("The landmarks are damaged; give others.")


def have_a_bug(seeds: Path, path: Path) -> None:
    raise KeyError("L1")


def say_much(seeds: Path, path: Path) -> None:
    raise InputError(f"The patient {trials.NAME} has no landmarks; give some.")


def crash(seeds: Path, path: Path) -> None:
    ctypes.string_at(0)


def crash_while_reading(seeds: Path, path: Path) -> None:
    with untrusted(path):
        ctypes.string_at(0)


def change(seeds: Path, path: Path) -> None:
    path.write_text("changed")


def leave(seeds: Path, path: Path) -> None:
    Path("left").touch()


@pytest.mark.parametrize(
    ("read", "word"),
    [(lambda seeds, path: None, ACCEPTED), (refuse, REFUSED), (crash_while_reading, CRASH_TOLD)],
)
def test_what_the_command_takes_well(seeds, read, word):
    found = outcome(seeds, read)
    assert (found.word, found.fault) == (word, None)


@pytest.mark.parametrize(
    ("read", "part"),
    [
        (have_a_bug, "KeyError"),
        (say_much, "names the patient"),
        (crash, "crashed (-11)"),
        (change, "changed"),
        (leave, "left ['left']"),
    ],
)
def test_faults_are_seen(seeds, read, part):
    assert part in (outcome(seeds, read).fault or "")


def test_hangs_are_seen(seeds, monkeypatch):
    monkeypatch.setattr(trials, "LIMIT_S", 0.5)
    assert "no end" in (outcome(seeds, lambda seeds, path: ctypes.CDLL(None).sleep(60)).fault or "")


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x1f\x8b", b'{"L1": [1, 2, 3]}', bytes(range(256)) * 9])
def test_damage_is_a_function_of_its_number(content):
    some = [damaged(content, n) for n in range(60)]
    assert some == [damaged(content, n) for n in range(60)]
    assert len(set(some)) > 10


@pytest.mark.slow
def test_some_damage_finds_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", str(SOME_S)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60 * SOME_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "file: " in done.stdout
