import os
import signal
import subprocess
import sys
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


def test_reader_that_goes_away_cancels(standin):
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, *standin.program, "write", *JSON],
        cwd=standin.folder,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert process.returncode == 130
    assert process.stderr == b""
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
