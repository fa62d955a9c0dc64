"""Files that are complete or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from spine_ctmr.process.whole_file import whole_file, write_whole_text


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_whole_text(tmp_path / "a.csv", "é,1\r\n")
    assert (tmp_path / "a.csv").read_bytes() == "é,1\r\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_earlier_file_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"earlier")

    def fail() -> None:
        with whole_file(path) as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_two_that_write_one_file_at_a_time(tmp_path: Path) -> None:
    """With one process number, as in containers of several computers."""
    path = tmp_path / "a.bin"
    with whole_file(path) as first:
        first.write(b"first, ")
        with whole_file(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        first.write(b"complete")
    assert path.read_bytes() == b"first, complete"
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_earlier_file_stays_where_the_program_is_killed_while_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"earlier")
    writing = (
        "import sys, time; from pathlib import Path; from spine_ctmr.process.whole_file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as stream:\n"
        "    stream.write(bytes(1 << 20)); stream.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", writing, path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"half"
        child.kill()
        assert child.wait(timeout=30) != 0
    assert path.read_bytes() == b"earlier"
