"""The result counts, not who reads what is said about it."""

import os
import subprocess

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="closes POSIX descriptors"),
    pytest.mark.slow,
]

OUTPUT = ("--output", "result")


def is_complete(standin) -> bool:
    return sorted(path.name for path in standin.folder.iterdir()) == ["result"] and sorted(
        path.name for path in (standin.folder / "result").rglob("*")
    ) == ["L1.tfm", "run.json", "vertebrae"]


@pytest.mark.parametrize("progress", ["bar", "json", "none"])
@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_closed_streams(standin, progress, closed):
    def close() -> None:
        for number in closed:
            os.close(number)

    ended = standin("write", *OUTPUT, "--progress", progress, preexec_fn=close)
    assert ended.code == 0
    assert is_complete(standin)
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("closed", [1, 2])
def test_refusal_with_a_closed_stream(standin, closed):
    ended = standin("refuse_input", *OUTPUT, preexec_fn=lambda: os.close(closed))
    assert ended.code == 2
    assert list(standin.folder.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("progress", ["bar", "json"])
def test_full_output_is_told(standin, progress):
    with open("/dev/full", "w") as full:
        ended = standin("write", *OUTPUT, "--progress", progress, stdout=full)
    assert ended.code == 0
    assert is_complete(standin)
    last = ended.err.splitlines()[-1]
    assert last.startswith("warning: Standard output cannot be written (No space left on device)")
    assert str(standin.folder / "result") in last


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_errors(standin):
    with open("/dev/full", "w") as full:
        ended = standin("write", *OUTPUT, stderr=full)
    assert (ended.code, ended.out) == (0, f"{standin.folder / 'result'}\n")
    assert is_complete(standin)


@pytest.mark.parametrize("progress", ["bar", "json", "none"])
def test_reader_that_goes_away(standin, progress):
    read, write = os.pipe()
    os.close(read)
    ended = standin("write", *OUTPUT, "--progress", progress, stdout=write, stderr=subprocess.STDOUT)
    os.close(write)
    assert ended.code == 0
    assert is_complete(standin)


def test_help_for_a_reader_that_goes_away(real):
    read, write = os.pipe()
    os.close(read)
    ended = real("--help", stdout=write)
    os.close(write)
    assert (ended.code, ended.err) == (0, "")


def test_folder_that_the_terminal_cannot_spell(standin, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = standin("write", "--output", "Wirbelsäule")
    assert ended.code == 0
    assert ended.out == f"{standin.folder}/Wirbels\\xe4ule\n"
    assert (standin.folder / "Wirbelsäule" / "run.json").is_file()
