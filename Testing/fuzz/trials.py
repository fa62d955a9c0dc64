"""One damaged file read in a process of its own, with limits, and what came of it."""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from spine_ctmr.process import account, untrusted
from spine_ctmr.process.account import Account
from spine_ctmr.process.explanation import explain

from .mutations import damaged
from .readers import KINDS, Kind
from .seeds import NAME

MEMORY_BYTES = 2 << 30
"""More than the process has when it is forked."""
LIMIT_S = 60.0
LONGEST_SENTENCE = 1600
ACCEPTED, REFUSED, CRASH_TOLD, OVERDUE_TOLD = "read", "refused", "crash, told", "too slow, told"


@dataclass(frozen=True)
class Trial:
    """A damaged file.

    Attributes:
        kind: of the file.
        number: of the damage; with the kind it says everything.
    """

    kind: Kind
    number: int

    @property
    def file(self) -> str:
        """The seed that is damaged."""
        return random.Random(f"file {self.number}").choice(self.kind.files)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        word: one of ACCEPTED, REFUSED, CRASH_TOLD, OVERDUE_TOLD; what the command takes well.
        sentence: what a user would be told.
        fault: what must not happen, in words; None where all is well.
        seconds: that it took.
    """

    word: str
    sentence: str
    fault: str | None
    seconds: float


def draw(number: int, name: str = "") -> Trial:
    """The trial of a number, of the kind with a name or of any."""
    kinds = [kind for kind in KINDS for _ in range(kind.share) if name in ("", kind.name)]
    return Trial(random.Random(f"kind {number}").choice(kinds), number)


def attempt(trial: Trial, seeds: Path) -> Outcome:
    """Damage a copy of a seed and read it in a forked process; nothing but the copy may change."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        path = _damaged_copy(trial, seeds, folder / "given")
        (folder / "work").mkdir()
        before = _contents(folder / "given")
        began = time.monotonic()
        told, ending = _in_child(trial.kind, seeds, path, folder / "work")
        seconds = time.monotonic() - began
        changed = "network" not in trial.kind.name and before != _contents(folder / "given")
        left = sorted(entry.name for entry in (folder / "work").iterdir())
    word, sentence, fault = _judged(told, ending)
    if changed:
        fault = "an input was changed"
    elif left and word in (ACCEPTED, REFUSED):
        fault = f"left {left}"
    return Outcome(word, sentence, fault, seconds)


@dataclass
class _Told(Account):
    """What a child said: the files that it reads, and how it ended."""

    end: dict[str, str] | None = None

    def take(self, line: bytes) -> None:
        if line.startswith(b'{"end":'):
            self.end = json.loads(line)["end"]
        else:
            super().take(line)


def _damaged_copy(trial: Trial, seeds: Path, folder: Path) -> Path:
    source = seeds / trial.file
    top = trial.file.partition("/")[0]
    if trial.kind.beside:
        heavy = shutil.ignore_patterns("*.html", "*.png", "labels*", "ct.n*", "ct.mha", "mr.*")
        shutil.copytree(seeds / top, folder / top, ignore=heavy)
    path = folder / trial.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(damaged(source.read_bytes(), trial.number))
    return path


def _in_child(kind: Kind, seeds: Path, path: Path, work: Path) -> tuple[_Told, int | None]:
    """What the child said, and how the system says that it ended; None = it had to be ended."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ear)
        _be_child(kind, seeds, path, work, mouth)
    os.close(mouth)
    told = _Told()
    deadline = time.monotonic() + LIMIT_S
    os.set_blocking(ear, False)
    rest = b""
    status = None
    while status is None:
        rest = _heard(ear, told, rest)
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
        elif time.monotonic() > deadline or told.overdue():
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        else:
            time.sleep(0.002)
    _heard(ear, told, rest)
    os.close(ear)
    return told, status


def _heard(ear: int, told: _Told, rest: bytes) -> bytes:
    while True:
        try:
            piece = os.read(ear, 1 << 16)
        except BlockingIOError:
            return rest
        if not piece:
            return rest
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            told.take(line)


def _be_child(kind: Kind, seeds: Path, path: Path, work: Path, mouth: int) -> None:
    """Read the file as a worker would, and say how it ended."""
    end: dict[str, str] = {}
    try:
        gc.disable()
        faulthandler.disable()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.chdir(work)
        tempfile.tempdir = str(work)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        account._mouth = mouth
        untrusted.PATIENCE_S = LIMIT_S / 2
        kind.read(seeds, path)
        end = {"word": ACCEPTED}
    except BaseException as error:
        explanation = explain(error, "registration", "close other programs", None)
        end = {"word": REFUSED, "sentence": explanation.sentence, "code": str(explanation.exit_code)}
        if "unexpectedly" in explanation.sentence:
            end["trace"] = "".join(traceback.format_exception(error)[-3:])
    finally:
        with os.fdopen(mouth, "wb") as stream:
            stream.write(json.dumps({"end": end}).encode() + b"\n")
        os._exit(0)


def _judged(told: _Told, ending: int | None) -> tuple[str, str, str | None]:
    """The word, the sentence and the fault of an ending."""
    reading = ", ".join(one.path for one in told.readings.values())
    if ending is None:
        fault = None if told.overdue() else f"no end within {LIMIT_S:.0f} s outside of reading"
        return OVERDUE_TOLD, reading, fault
    if told.end is None:
        fault = None if reading else f"crashed ({ending}) outside of reading"
        return CRASH_TOLD, reading, fault
    sentence = told.end.get("sentence", "")
    fault = None
    if "trace" in told.end:
        fault = f"unexpected: {told.end['trace']}"
    elif told.end["word"] == REFUSED and told.end["code"] not in ("1", "2"):
        fault = f"exit code {told.end['code']}"
    elif "\n" in sentence or len(sentence) > LONGEST_SENTENCE:
        fault = f"not one short sentence: {sentence[:300]!r} ({len(sentence)} characters)"
    elif NAME in sentence:
        fault = f"names the patient: {sentence}"
    return told.end["word"], sentence, fault


def _contents(folder: Path) -> dict[str, str]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
