"""The command with stand-ins for its subcommands, each of which behaves or fails in one way.

The stand-ins run through the same overseer and worker processes as the real subcommands, but compute
nothing and so spare each worker the start of the linear algebra.
"""

import ctypes
import errno
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from spine_ctmr.command import main
from spine_ctmr.command.options import add_output_options
from spine_ctmr.command.reporting import Reporter
from spine_ctmr.command.subcommand import Subcommand
from spine_ctmr.errors import InputError, RegistrationFailed
from spine_ctmr.process import untrusted

LONG_S = 60


def write(arguments: Namespace, reporter: Reporter) -> None:
    """Succeed."""
    reporter("aligning", 0.25)
    reporter.warning("L3 is cut by the field of view.")
    (arguments.output / "run.json").write_text("{}")
    (arguments.output / "vertebrae").mkdir()
    (arguments.output / "vertebrae" / "L1.tfm").write_text("new")
    reporter("writing", 1.0)


def fail_checks(arguments: Namespace, reporter: Reporter) -> None:
    """Write results that must not be trusted."""
    write(arguments, reporter)
    raise RegistrationFailed("No vertebra passed its checks; see report.html.")


def fail_checks_without_results(arguments: Namespace, reporter: Reporter) -> None:
    raise RegistrationFailed("Nothing to keep.")


def refuse_input(arguments: Namespace, reporter: Reporter) -> None:
    (arguments.output / "half").write_text("half")
    raise InputError("The CT 'x.nrrd' has two channels; give a scalar image.")


def exhaust_memory(arguments: Namespace, reporter: Reporter) -> None:
    raise MemoryError


def exhaust_native_memory(arguments: Namespace, reporter: Reporter) -> None:
    raise RuntimeError("Exception thrown in SimpleITK:\nFailed to allocate memory for image.")


def fill_disk(arguments: Namespace, reporter: Reporter) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def lack_package(arguments: Namespace, reporter: Reporter) -> None:
    import a_package_that_nobody_has  # type: ignore  # noqa: F401


def have_a_bug(arguments: Namespace, reporter: Reporter) -> None:
    (arguments.output / "half").write_text("half")
    raise KeyError("first line\nsecond line")


def be_killed(arguments: Namespace, reporter: Reporter) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit_like_a_killed_shell(arguments: Namespace, reporter: Reporter) -> None:
    os._exit(137)


def leave_early(arguments: Namespace, reporter: Reporter) -> None:
    """End in the middle of writing with the exit code of success."""
    (arguments.output / "half").write_text("half")
    os._exit(0)


def crash(arguments: Namespace, reporter: Reporter) -> None:
    ctypes.string_at(0)


def crash_while_reading(arguments: Namespace, reporter: Reporter) -> None:
    """Be ended by a reader in native code."""
    with untrusted.untrusted(Path("good.nrrd")):
        pass
    with untrusted.untrusted(Path("bad.nrrd")):
        ctypes.string_at(0)


def be_killed_while_reading(arguments: Namespace, reporter: Reporter) -> None:
    """Be ended by the system in the middle of a file."""
    with untrusted.untrusted(Path("large.nrrd")):
        os.kill(os.getpid(), signal.SIGKILL)


def hang_while_reading(arguments: Namespace, reporter: Reporter) -> None:
    """Read a file that never ends."""
    untrusted.PATIENCE_S = 0.3
    with untrusted.untrusted(Path("endless.nrrd")):
        ctypes.PyDLL(None).sleep(LONG_S)


def hang(arguments: Namespace, reporter: Reporter) -> None:
    """Sleep in native code."""
    (arguments.output / "half").write_text("half")
    reporter("hanging", 0.5)
    ctypes.CDLL(None).sleep(LONG_S)


def hang_with_interpreter_lock(arguments: Namespace, reporter: Reporter) -> None:
    """Sleep in native code that lets no other Python thread run."""
    (arguments.output / "half").write_text("half")
    reporter("hanging", 0.5)
    ctypes.PyDLL(None).sleep(LONG_S)


def hang_deaf(arguments: Namespace, reporter: Reporter) -> None:
    """Ignore requests to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hang(arguments, reporter)


def hang_with_child(arguments: Namespace, reporter: Reporter) -> None:
    """Wait for a process of its own, which holds our standard output."""
    with subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG_S})"]):
        hang(arguments, reporter)


def read_input(arguments: Namespace, reporter: Reporter) -> None:
    """Show what the worker and its own workers inherit."""
    assert sys.stdin.read() == ""
    assert not [name for name in os.environ if name in ("SPINE_CTMR_WORKER", "SPINE_CTMR_STAGING")]
    write(arguments, reporter)


def _subcommand(function: object) -> Subcommand:
    def add_arguments(parser: ArgumentParser) -> None:
        add_output_options(parser)

    return Subcommand(function.__name__, function.__doc__ or "", "", add_arguments, function)


STANDINS = [
    _subcommand(function)
    for function in (
        write,
        fail_checks,
        fail_checks_without_results,
        refuse_input,
        exhaust_memory,
        exhaust_native_memory,
        fill_disk,
        lack_package,
        have_a_bug,
        be_killed,
        exit_like_a_killed_shell,
        leave_early,
        crash,
        crash_while_reading,
        be_killed_while_reading,
        hang_while_reading,
        hang,
        hang_with_interpreter_lock,
        hang_deaf,
        hang_with_child,
        read_input,
    )
]

if __name__ == "__main__":
    main.begin_blas = lambda: None
    sys.exit(main.run(sys.argv[1:], STANDINS, [sys.executable, __file__]))
