import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

STANDINS = Path(__file__).with_name("standins.py")
REAL = ("-m", "spine_ctmr")


@dataclass
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def sentence(self) -> str:
        """The error, which must be the only line on standard error except progress."""
        errors = [line for line in self.err.splitlines() if " % " not in line]
        assert len(errors) == 1, self.err
        assert errors[0].startswith("error: ")
        assert errors[0].endswith(".")
        return errors[0].removeprefix("error: ")


class Command:
    """Starts the command in an empty folder, where `result` is the output."""

    def __init__(self, folder: Path, program: tuple[str, ...]) -> None:
        self.folder = folder
        self.program = program
        self.started: list[subprocess.Popen] = []

    def start(self, *arguments: str, **options: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, *self.program, *arguments],
            cwd=self.folder,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            preexec_fn=options.pop("preexec_fn", _heed_signals) if os.name == "posix" else None,
            **options,
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, **options: object) -> Ended:
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=20)
        return Ended(process.returncode, out, err)


def _heed_signals() -> None:
    """Undo what a test runner started in the background hands down: signals that are ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _command(folder: Path, *program: str) -> Callable:
    command = Command(folder, program)
    yield command
    for process in command.started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def standin(tmp_path):
    """The command with the stand-ins of `standins.py` as subcommands."""
    yield from _command(tmp_path, str(STANDINS))


@pytest.fixture
def real(tmp_path):
    """The command as users start it."""
    yield from _command(tmp_path, *REAL)
