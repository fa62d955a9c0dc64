"""The command itself with odd arguments, in odd environments, and ended at any moment."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .seeds import NAME

LIMIT_S = 60.0
"""For what has a core of its own; a registration of the small patient takes a sixth of it."""
COMPLETE = {"register": "vertebrae/L4.tfm", "evaluate": "evaluation.json", "sign-off": "sign_off.json"}
"""A file that is there when a command has succeeded, by the command; in its output or result."""
GO_ON = ("accuracy", "benchmark", "cohort", "flag-calibration", "capture", "papers", "train", "wrong-inputs")
"""Commands that keep what is done, to go on later."""

Prepare = Callable[[], None]


@dataclass(frozen=True)
class Play:
    """One run of the command.

    Attributes:
        title: what is odd about it.
        words: its arguments.
        environment: variables that differ; None = not there.
        prepare: done in the process before the command starts.
        streams: what standard output and error are: "pipe", "full", "gone".
        end_after_s: when it is ended; None = not at all.
        ends_with: the signal, and whom it reaches: "command", "worker" or "both".
    """

    title: str
    words: tuple[str, ...]
    environment: dict[str, str | None] = field(default_factory=dict)
    prepare: Prepare | None = None
    streams: str = "pipe"
    end_after_s: float | None = None
    ends_with: tuple[int, str] = (signal.SIGKILL, "command")


@dataclass(frozen=True)
class Seen:
    """What came of a run: exit code, what was said, and what must not happen, if it did."""

    code: int | None
    said: str
    fault: str | None
    seconds: float


def play(play: Play, seeds: Path) -> Seen:
    """Run the command in a folder with copies of the seeds, and judge what it left."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        _prepare_folder(folder, seeds)
        before = _contents(folder)
        began = time.monotonic()
        code, said, killed = _run(play, folder)
        seconds = time.monotonic() - began
        fault = _fault(play, folder, before, code, said, killed)
        _make_removable(folder)
    return Seen(code, said, fault, seconds)


def _prepare_folder(folder: Path, seeds: Path) -> None:
    shutil.copytree(seeds / "inputs", folder / "inputs")
    shutil.copytree(seeds / "result", folder / "result", ignore=shutil.ignore_patterns("*.html", "*.png"))
    shutil.copy(seeds / "sign_off.json", folder)
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "closed").mkdir(mode=0o500)


def _run(play: Play, folder: Path) -> tuple[int | None, str, bool]:
    """Exit code, None = did not end in time, what was said, and whether it was ended as planned."""
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "temporary")}
    environment = {**os.environ, **own, **play.environment}
    kept = {name: value for name, value in environment.items() if value is not None}
    with open(folder / "said", "w+b") as said:
        out = _stream(play.streams, said.fileno())
        process = subprocess.Popen(
            [sys.executable, "-m", "spine_ctmr", *play.words],
            cwd=folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=play.prepare,
            start_new_session=True,
        )
        if out != said.fileno():
            os.close(out)
        code, killed = _waited(process, play)
        said.seek(0)
        text = said.read().replace(b"\0", b"").decode(errors="replace")  # UTF-16 is read too
    (folder / "said").unlink()
    return code, text, killed


def _stream(kind: str, said: int) -> int:
    if kind == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if kind == "gone":
        ear, mouth = os.pipe()
        os.close(ear)
        return mouth
    return said


def _waited(process: subprocess.Popen[bytes], play: Play) -> tuple[int | None, bool]:
    killed = False
    try:
        if play.end_after_s is not None:
            try:
                return process.wait(play.end_after_s), killed
            except subprocess.TimeoutExpired:
                killed = True
                _end(process.pid, *play.ends_with)
        return process.wait(_limit_s()), killed
    except subprocess.TimeoutExpired:
        for child in [*_children(process.pid), process.pid]:
            os.kill(child, signal.SIGKILL)
        process.wait()
        return None, killed


def _limit_s() -> float:
    """Longer where more processes than there are cores want one."""
    return LIMIT_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _end(command: int, number: int, whom: str) -> None:
    workers = _children(command)
    for one in workers if whom == "worker" else [command] if whom == "command" else [command, *workers]:
        try:
            os.kill(one, number)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 10
    while any(_is_alive(worker) for worker in workers) and whom != "worker":
        if time.monotonic() > deadline:
            raise AssertionError(f"the worker outlived the command by 10 s after signal {number}")
        time.sleep(0.05)


def _children(process: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _fault(
    play: Play, folder: Path, before: dict[str, str], code: int | None, said: str, killed: bool
) -> str | None:
    """What must not happen, in words."""
    if code is None:
        return f"did not end within {LIMIT_S:.0f} s of a core"
    for text, problem in (
        ("Traceback (most", "traceback"),
        ("unexpectedly", "unexpected"),
        (NAME, "identity"),
    ):
        if text in said:
            return f"{problem}: {said[-700:]}"
    if code < 0 and not killed:
        return f"ended by signal {-code}: {said[-300:]}"
    if code not in (0, 1, 2, 3, 130) and not killed:
        return f"exit code {code}: {said[-300:]}"
    after = _contents(folder)
    if changed := [name for name, content in before.items() if after.get(name) != content]:
        return f"changed {changed}"
    new = {name for name in after if name not in before}
    hidden = [name for name in new if ".partial" in name or ".spine-ctmr" in name]
    both_killed = killed and play.ends_with in ((signal.SIGKILL, "both"), (signal.SIGSEGV, "both"))
    if hidden and not both_killed:
        return f"left {hidden[:5]}"
    if named := [name for name in new if _names_the_patient(folder / name)]:
        return f"identity in {named[:5]}"
    word = play.words[0] if play.words else ""
    if code in (1, 2) and new and not (killed or word in GO_ON):
        return f"exit code {code} and left {sorted(new)[:5]}: {said[-300:]}"
    if word in COMPLETE:
        done = any(name.endswith(COMPLETE[word]) for name in new)
        if code == 0 and not done and "--help" not in play.words:
            return "exit code 0 without a complete result"
        if code not in (0, 3) and done and not killed:
            return f"exit code {code} with a complete result: {said[-300:]}"
    return _not_tidied(play, folder) if hidden else None


def _names_the_patient(path: Path) -> bool:
    return path.is_file() and NAME.encode() in path.read_bytes()


def _not_tidied(play: Play, folder: Path) -> str | None:
    """A run that was killed with its worker leaves a hidden folder, which the next run there removes."""
    again = Play("again", (*play.words[:1], "inputs/pairs.json", *play.words[2:]))
    _run(again, folder)
    left = [name for name in _contents(folder) if ".partial" in name]
    return f"the next run left {left[:5]}" if left else None


def _contents(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not path.is_symlink() and path.name != "said":
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and not path.is_symlink():
            found[f"{name}/"] = ""
    return found


def _make_removable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
