import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")

JSON = ("--output", "deep/result", "--progress", "json")


def wait_until_it_hangs(process) -> None:
    assert '"hanging"' in process.stdout.readline()


def end(process) -> tuple[float, str]:
    """Seconds until every process that holds the standard output has ended, and what was said."""
    start = time.monotonic()
    out, err = process.communicate(timeout=10)
    assert err == ""
    return time.monotonic() - start, out


def worker_of(process) -> int:
    """The process id of the only child of a command."""
    listing = subprocess.run(["ps", "-e", "-o", "ppid=,pid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in listing.stdout.splitlines()]
    (worker,) = (int(child) for parent, child in pairs if int(parent) == process.pid)
    return worker


def left_behind(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("subcommand", "number"),
    [
        ("hang_with_interpreter_lock", signal.SIGINT),
        ("hang_with_interpreter_lock", signal.SIGTERM),
        ("hang_deaf", signal.SIGTERM),
        ("hang_with_child", signal.SIGINT),
        ("hang_with_child", signal.SIGHUP),
    ],
)
def test_signal_ends_everything_at_once(standin, subcommand, number):
    process = standin.start(subcommand, *JSON)
    wait_until_it_hangs(process)
    process.send_signal(number)
    seconds, out = end(process)
    assert process.returncode == 130
    assert seconds < 2
    assert out == '{"error": "Cancelled."}\n'
    assert left_behind(standin.folder) == []


def test_signal_to_all_processes_as_from_a_terminal(standin):
    process = standin.start("hang", *JSON, start_new_session=True)
    wait_until_it_hangs(process)
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)
    end(process)
    assert process.returncode == 130
    assert left_behind(standin.folder) == []


def test_worker_dies_with_its_killed_overseer(standin):
    process = standin.start("hang", *JSON)
    wait_until_it_hangs(process)
    process.kill()
    seconds, _ = end(process)
    assert seconds < 2
    assert [path for path in standin.folder.rglob("*") if path.name != "deep"] == []


def test_next_run_removes_what_a_killed_run_left(standin):
    process = standin.start("hang", *JSON)
    wait_until_it_hangs(process)
    worker = worker_of(process)
    for number in (worker, process.pid):  # stopped first, so that it cannot clean up
        os.kill(number, signal.SIGSTOP)
    for number in (worker, process.pid):
        os.kill(number, signal.SIGKILL)
    end(process)
    assert [path.name for path in standin.folder.rglob("half")] == ["half"]
    assert standin("write", *JSON).code == 0
    assert left_behind(standin.folder / "deep") == ["result"]


def test_two_runs_into_one_folder(standin):
    first = standin.start("hang", *JSON)
    wait_until_it_hangs(first)
    second = standin("write", "--output", "deep/result")
    assert second.code == 2
    assert "is being made by another run" in second.sentence
    first.send_signal(signal.SIGINT)
    end(first)
    assert left_behind(standin.folder) == []


def test_closed_input_cancels_when_asked(standin):
    process = standin.start("hang", *JSON, "--cancel-on-eof", stdin=subprocess.PIPE)
    wait_until_it_hangs(process)
    process.stdin.close()
    process.stdin = None
    seconds, _ = end(process)
    assert process.returncode == 130
    assert seconds < 2
    assert left_behind(standin.folder) == []


def test_closed_input_alone_does_not_cancel(standin):
    assert standin("write", "--output", "result").code == 0


@pytest.mark.parametrize("closed", [True, False])
def test_input_that_has_ended_before_the_start_cancels_when_asked(standin, closed):
    without_input = {"preexec_fn": lambda: os.close(0)} if closed else {}
    process = standin.start("hang", *JSON, "--cancel-on-eof", **without_input)
    end(process)
    assert process.returncode == 130
    assert left_behind(standin.folder) == []


def test_earlier_result_survives_a_cancelled_overwrite(standin):
    assert standin("write", *JSON).code == 0
    process = standin.start("hang", *JSON, "--overwrite")
    wait_until_it_hangs(process)
    process.send_signal(signal.SIGINT)
    end(process)
    assert process.returncode == 130
    assert left_behind(standin.folder / "deep") == ["result"]
    assert left_behind(standin.folder / "deep" / "result") == ["run.json", "vertebrae"]


def test_interrupted_while_it_is_loaded(real):
    """A key pressed too early is not a fault of the program."""
    real.program = ("-c", INTERRUPTED_IMPORT)
    ended = real()
    assert (ended.code, ended.out, ended.err) == (130, "", "")


INTERRUPTED_IMPORT = """
import sys
from spine_ctmr.__main__ import start

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "spine_ctmr.command.parsing":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.exit(start())
"""
