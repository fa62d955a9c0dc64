"""The runner: with a scripted process for every way a run can go, and with the real command."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from host.subprocess_process import SubprocessProcess
from hypothesis import given
from hypothesis import strategies as st
from spine_ctmr.errors import InputError
from SpineCTMRRegistrationLib.json_lines import LineReader, parse
from SpineCTMRRegistrationLib.process import ChildProcess, OnBytes, OnEnded
from SpineCTMRRegistrationLib.qt_process import QtProcess
from SpineCTMRRegistrationLib.request import InputFiles, RunOptions, register_words
from SpineCTMRRegistrationLib.run import RESULTS, CommandRun, Finished, ProgressReport

LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
)


@pytest.mark.slow
@given(lines=LINES, cuts=st.lists(st.integers(0, 200)))
def test_lines_survive_any_cut(lines: list[str], cuts: list[int]) -> None:
    stream = "\n".join(json.dumps({"line": line}, ensure_ascii=False) for line in lines).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader, found = LineReader(), []
    for start, stop in pairwise(places):
        found += reader.feed(stream[start:stop])
    found += reader.close()
    assert [parse(line) for line in found] == [{"line": line} for line in lines]


def test_other_output_is_text() -> None:
    assert [parse(line) for line in ("Traceback …", "[1]", '{"error": "x"}')] == [
        "Traceback …",
        "[1]",
        {"error": "x"},
    ]


class Script:
    """A process that says and does what a test wants, at once."""

    def __init__(
        self, *lines: dict[str, object], code: int | None = 0, errors: bytes = b"", results: bool = False
    ) -> None:
        self.output = "".join(json.dumps(line) + "\n" for line in lines).encode()
        self.code, self.errors, self.results = code, errors, results
        self.ended: list[float] = []

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        self.command, self.folder = list(command), folder
        if self.results:
            Path(command[command.index("--output") + 1]).mkdir()
        self.finish: Callable[[], None] = lambda: on_ended(self.code)
        for i in range(0, len(self.output), 7):
            on_output(self.output[i : i + 7])
        on_errors(self.errors)

    def end(self, grace_s: float) -> None:
        self.ended.append(grace_s)

    def wait(self, seconds: float) -> bool:
        self.finish()
        return True


class Told:
    """A run and all that it told."""

    def __init__(self, process: ChildProcess, folder: Path) -> None:
        self.run = CommandRun(process, sys.executable, folder)
        self.heard: list[tuple[str, object]] = []
        for name in ("progressed", "logged", "warned", "finished", "failed"):
            getattr(self.run, name).connect(lambda content, name=name: self.heard.append((name, content)))
        self.run.cancelled.connect(lambda: self.heard.append(("cancelled", None)))

    def start(self, names: dict[str, str] | None = None) -> None:
        self.run.start(lambda work: ["demo", "--output", str(work / RESULTS)], names)

    def of(self, name: str) -> list[object]:
        return [content for kind, content in self.heard if kind == name]

    @property
    def ends(self) -> list[str]:
        return [kind for kind, _ in self.heard if kind in ("finished", "failed", "cancelled")]


def told(process: Script, folder: Path, names: dict[str, str] | None = None) -> Told:
    told = Told(process, folder)
    told.start(names)
    process.wait(1)
    return told


STAGE = {"stage": "aligning", "fraction": 0.25, "elapsed_s": 3.0, "remaining_s": None}


def test_a_good_run(tmp_path: Path) -> None:
    process = Script(STAGE, {"warning": "L3 is cut."}, {"message": "fine"}, {"result": "x"}, results=True)
    heard = told(process, tmp_path)
    assert process.command[:4] == [sys.executable, "-m", "spine_ctmr", "demo"]
    assert process.command[-3:] == ["--progress", "json", "--cancel-on-eof"]
    assert (process.folder / "spine_ctmr" / "__main__.py").is_file()
    assert heard.of("progressed") == [ProgressReport("aligning", 0.25, None)]
    assert heard.of("warned") == ["L3 is cut."]
    assert heard.of("logged") == ["L3 is cut.", "fine"]
    [finished] = heard.of("finished")
    assert isinstance(finished, Finished)
    assert finished.failure is None
    assert heard.ends == ["finished"]
    assert list(tmp_path.iterdir()) == []
    assert not heard.run.running


def test_results_that_failed_their_checks_are_kept_and_marked(tmp_path: Path) -> None:
    heard = told(Script({"error": "Named one level wrong."}, code=3, results=True), tmp_path)
    assert [f.failure for f in heard.of("finished")] == ["Named one level wrong."]


@pytest.mark.parametrize(
    ("process", "sentence"),
    [
        (Script({"error": "The CT has two channels."}, code=2), "The CT has two channels."),
        (Script(code=0), "stopped unexpectedly"),
        (Script(code=1, errors=b"No module named torch\n"), "exit code 1: No module named torch"),
        (Script(code=-1), "ended from outside, most likely by the system for lack of memory; close"),
        (Script(code=None), "cannot be started"),
    ],
)
def test_a_failure_is_one_sentence(tmp_path: Path, process: Script, sentence: str) -> None:
    heard = told(process, tmp_path)
    assert heard.ends == ["failed"]
    assert sentence in str(heard.of("failed")[0])
    assert list(tmp_path.iterdir()) == []


def test_messages_name_the_nodes_instead_of_the_files(tmp_path: Path) -> None:
    heard = Told(process := Script(), tmp_path)
    heard.start({"mr.nrrd": '"mr.nrrd T2"'})
    [work] = tmp_path.iterdir()
    process.output = b""
    heard.run._read_output(
        (json.dumps({"warning": f"{work}/mr.nrrd is cut; mr.nrrd, {work}/x"}) + "\n").encode()
    )
    assert heard.of("warned") == ['"mr.nrrd T2" is cut; "mr.nrrd T2", x']
    process.wait(1)


def test_cancelling_ends_as_cancelled_even_if_the_run_was_done(tmp_path: Path) -> None:
    process = Script(STAGE, results=True)
    heard = Told(process, tmp_path)
    heard.start()
    heard.run.cancel()
    heard.run.cancel()
    assert len(process.ended) == 1
    process.wait(1)
    assert heard.ends == ["cancelled"]
    assert list(tmp_path.iterdir()) == []


def test_stopping_says_nothing(tmp_path: Path) -> None:
    heard = Told(Script(), tmp_path)
    heard.start()
    before = len(heard.heard)
    heard.run.stop()
    assert len(heard.heard) == before
    assert list(tmp_path.iterdir()) == []


def test_inputs_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    heard = Told(Script(), tmp_path)

    def fail(work: Path) -> list[str]:
        (work / "half").write_text("half")
        raise OSError("full")

    with pytest.raises(InputError, match=r"temporary folder '.*' cannot be written to \(full\); free"):
        heard.run.start(fail)
    assert list(tmp_path.iterdir()) == []
    assert not heard.run.running


def test_a_receiver_that_fails_leaves_nothing(tmp_path: Path) -> None:
    process = Script(results=True)
    heard = Told(process, tmp_path)
    heard.run.finished.connect(lambda finished: 1 / 0)
    heard.start()
    with pytest.raises(ZeroDivisionError):
        process.wait(1)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_of_a_registration() -> None:
    files = InputFiles(Path("ct"), Path("mr"), Path("seg"), mr_landmarks=Path("points"))
    words = register_words(files, Path("out"), RunOptions(quality="best", threads=2))
    from spine_ctmr.command.parsing import build_parser
    from spine_ctmr.command.subcommands import subcommands

    arguments = build_parser(subcommands()).parse_args(words)
    assert (arguments.ct, arguments.mr, arguments.vertebrae) == (Path("ct"), Path("mr"), Path("seg"))
    assert (arguments.mr_landmarks, arguments.mr_vertebrae) == (Path("points"), None)
    assert (arguments.quality, arguments.threads, arguments.output) == ("best", 2, Path("out"))


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that contain a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


@pytest.fixture(params=["subprocess", "QProcess"])
def process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ChildProcess:
    """A real process; QProcess is PySide6's, whose names are those of PythonQt."""
    if request.param == "subprocess":
        return SubprocessProcess()
    from PySide6 import QtCore

    request.config.qt_application = QtCore.QCoreApplication.instance() or QtCore.QCoreApplication([])
    monkeypatch.setitem(sys.modules, "qt", QtCore)
    return QtProcess()


def wait_until(process: ChildProcess, condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert not process.wait(0.1), "the process ended before"


def test_a_real_failure(process: ChildProcess, tmp_path: Path) -> None:
    heard = Told(process, tmp_path)
    words = ["register", "ct.nrrd", "mr.nrrd", "--vertebrae", "seg.nrrd"]
    heard.run.start(lambda work: [*words, "--output", str(work / RESULTS)], {"ct.nrrd": '"Abdomen"'})
    assert process.wait(60)
    [sentence] = heard.of("failed")
    assert 'The CT "Abdomen" does not exist' in str(sentence)


def test_a_program_that_is_not_there(process: ChildProcess, tmp_path: Path) -> None:
    heard = Told(process, tmp_path)
    heard.run._python = str(tmp_path / "nowhere" / "PythonSlicer")
    heard.start()
    process.wait(5)
    assert "cannot be started" in str(heard.of("failed")[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc (Linux only)"
)
@pytest.mark.parametrize("way", ["cancel", "stop", "kill"])
def test_ending_a_real_run_ends_all_its_processes(process: ChildProcess, tmp_path: Path, way: str) -> None:
    heard = Told(process, tmp_path)
    heard.run.start(lambda work: ["phantom", "--output", str(work / RESULTS)])
    wait_until(process, lambda: bool(heard.of("progressed")))
    assert len(processes_with(str(tmp_path))) == 2  # the one that watches and the one that works
    if way == "stop":
        heard.run.stop()
        assert heard.ends == []
    else:
        if way == "cancel":
            heard.run.cancel()
        else:
            process.end(0)
        assert process.wait(20)
        assert heard.ends == (["cancelled"] if way == "cancel" else heard.ends)
        assert len(heard.ends) == 1
    deadline = time.monotonic() + 10
    while processes_with(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
