"""The same inputs, options and threads give the same files, byte by byte."""

from __future__ import annotations

import json
from pathlib import Path

from spine_ctmr.results import names

from .conftest import OPTIONS, Registered, command, words_for

DIFFERS = ("date", "seconds", "peak_memory_mb")
"""Keys of run.json that tell of the run and not of its result."""


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    run = json.loads(found[names.RUN])
    found[names.RUN] = json.dumps({k: v for k, v in run.items() if k not in DIFFERS}).encode()
    return found


def test_twice_the_same(registered: Registered, tmp_path: Path) -> None:
    done = command(*words_for(registered.inputs, tmp_path / "again"), *OPTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = contents(registered.output), contents(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert len(first) > 12
