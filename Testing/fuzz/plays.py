"""Odd argument lists, environments and ends of the command, as functions of a number."""

from __future__ import annotations

import os
import random
import resource
import signal
from collections.abc import Callable

from spine_ctmr.command.subcommands import subcommands

from .commands import Play

INPUTS = (
    *("inputs/ct.nrrd", "inputs/mr.nrrd", "--vertebrae", "inputs/labels.mha"),
    *("--mr-landmarks", "inputs/landmarks.json"),
)
REGISTER = ("register", *INPUTS, "--output", "new", "--quality", "fast", "--threads", "1")
EVALUATE = ("evaluate", "result")
SIGN_OFF = ("sign-off", "result", "sign_off.json")
SCARCE = ("register", "inputs/pairs.json", *INPUTS[1:], "--output", "new")
"""Ends when it has read the first input."""
LONG = "x" * 5000
ODD = (
    *(
        "",
        " ",
        "-",
        "--",
        "-1",
        "0",
        "nan",
        "1e999",
        "9" * 400,
        LONG,
        "ä\u202e\u0301",
        "a\nb",
        "\t",
        "'",
        '"',
    ),
    *("nowhere", "loop", "loop/x", "inputs", "inputs/ct.nrrd", "inputs/ct.nrrd/x", "closed/x", "/proc/x/y"),
    *("/dev/null", "/dev/full", "/dev/zero", "/", ".", "..", "~", "*", "$HOME", "sign_off.json/x", "x" * 250),
    *("--help", "--version", "--overwrite", "--output", "--seed", "--cancel-on-eof", "--progress", "json"),
    *("--no-such-option", "--quality=best", "--threads=0", "--device", "cuda", "\udcff", "a" + "/b" * 1500),
)
WORDS = {
    "evaluate": EVALUATE,
    "sign-off": SIGN_OFF,
    "register": SCARCE,
    "compare": ("compare", "result", "inputs"),
    "export-dicom": ("export-dicom", "result", "--ct", "inputs", "--mr", "inputs", "--output", "new"),
    "export": ("export", "inputs", "--output", "new"),
    "train": ("train", "no_recipe", "--output", "new"),
    "papers": ("papers", "no_paper", "--output", "new"),
    "benchmark": ("benchmark", "--cases", "nowhere", "--output", "new"),
    "accuracy": ("accuracy", "--cases", "nowhere", "--output", "new"),
    "wrong-inputs": ("wrong-inputs", "--cases", "nowhere", "--output", "new"),
    "cohort": ("cohort", "inputs/names.csv", "--output", "new"),
    "capture": ("capture", "--spines", "no_spine", "--output", "new"),
    "flag-calibration": ("flag-calibration", "--observations", "inputs/names.csv", "--output", "new"),
    "phantom": ("phantom", "--output", "result"),
    "demo": ("demo", "--output", "result"),
    "contact-sheet": ("contact-sheet", "--output", "closed/x/y"),
}
"""Argument lists that end soon, by subcommand."""


def odd_arguments(number: int) -> Play:
    """A command line with one to three words replaced, added or lost."""
    rng = random.Random(f"arguments {number}")
    name = rng.choice([subcommand.name for subcommand in subcommands()])
    words = list(WORDS.get(name, (name,)))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        first = 0 if rng.random() < 0.1 else min(1, len(words))
        at, way = (
            rng.randrange(first, len(words) + 1),
            rng.choice(("replaced", "replaced", "added", "lost", "twice")),
        )
        if way == "added":
            words.insert(at, rng.choice(ODD))
        elif at < len(words) and way == "replaced":
            words[at] = rng.choice(ODD)
        elif at < len(words) and way == "lost":
            del words[at]
        elif at < len(words):
            words.insert(at, words[at])
    return Play(
        f"arguments {words}"[:300], tuple(words), end_after_s=20.0, ends_with=(signal.SIGTERM, "command")
    )


def _limit(what: int, *values: int) -> Callable[[random.Random], Callable[[], None]]:
    def chosen(rng: random.Random) -> Callable[[], None]:
        value = rng.choice(values)
        return lambda: resource.setrlimit(what, (value, value))

    return chosen


def _closed(*numbers: int) -> Callable[[random.Random], Callable[[], None]]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return lambda rng: close


def _in_lost_folder() -> None:
    os.mkdir("lost")
    os.chdir("lost")
    os.rmdir("../lost")


PREPARED: dict[str, Callable[[random.Random], Callable[[], None]]] = {
    "stdin closed": _closed(0),
    "stdout closed": _closed(1),
    "stderr closed": _closed(2),
    "all closed": _closed(0, 1, 2),
    "SIGCHLD ignored": lambda rng: lambda: _ignored(signal.SIGCHLD),
    "SIGHUP ignored": lambda rng: lambda: _ignored(signal.SIGHUP),
    "SIGPIPE ignored": lambda rng: lambda: _ignored(signal.SIGPIPE),
    "umask 0": lambda rng: lambda: _mask(0),
    "umask 077": lambda rng: lambda: _mask(0o077),
    "memory": _limit(resource.RLIMIT_AS, *(n << 20 for n in (200, 400, 700, 1000, 1500, 2200))),
    "data": _limit(resource.RLIMIT_DATA, *(n << 20 for n in (50, 150, 300, 500, 800, 1500))),
    "stack": _limit(resource.RLIMIT_STACK, 256 << 10, 1 << 20),
    "files": _limit(resource.RLIMIT_NOFILE, 8, 16, 24, 64),
    "file size": _limit(resource.RLIMIT_FSIZE, 0, 1000, 100_000, 1_000_000),
    "lost folder": lambda rng: _in_lost_folder,
}
VALUES = ("", "0", "-1", "1", "abc", "9" * 30, "/nowhere", "C", "ä", "1e9", "true")
VARIABLES = (
    *("COLUMNS", "LINES", "TERM", "TMPDIR", "HOME", "LANG", "LC_ALL", "PYTHONIOENCODING", "PYTHONUTF8", "TZ"),
    *("TQDM_DISABLE", "TQDM_MININTERVAL", "TQDM_NCOLS", "TQDM_ASCII", "TQDM_POSITION", "TQDM_FILE", "TQDM_X"),
    *("TQDM_COLOUR", "TQDM_DESC", "TQDM_TOTAL", "TQDM_BAR_FORMAT", "TQDM_SMOOTHING", "TQDM_MINITERS"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"),
    *("ITK_GLOBAL_DEFAULT_THREADER", "KMP_AFFINITY", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES", "MPLBACKEND"),
    *("MPLCONFIGDIR", "MATPLOTLIBRC", "XDG_CACHE_HOME", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONHASHSEED"),
    *("SPINE_CTMR_ACCOUNT", "SPINE_CTMR_STAGING", "PYTHONUNBUFFERED", "NO_COLOR", "DISPLAY", "USER"),
    *("MALLOC_ARENA_MAX", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "TORCH_LOGS", "PYTHONTRACEMALLOC"),
)
GIVEN = {
    "LANG": ("C", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "nonsense"),
    "LC_ALL": ("C", "POSIX", "ja_JP.eucJP", "nonsense"),
    "PYTHONIOENCODING": ("ascii", "latin1", "utf-16", "nonsense", "ascii:strict"),
    "PYTHONHASHSEED": ("0", "1", "random"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONWARNINGS": ("error", "ignore", "always"),
    "PYTHONTRACEMALLOC": ("1", "0"),
    "TMPDIR": ("closed", "/nowhere", "sign_off.json", "/proc"),
    "HOME": ("closed", "/nowhere", "sign_off.json", ""),
}
"""Values of variables that Python itself refuses, or that need special ones."""


def odd_environment(number: int) -> Play:
    """A command in an environment with one to three oddities."""
    rng = random.Random(f"environment {number}")
    words = rng.choice((REGISTER, EVALUATE, EVALUATE, SIGN_OFF, SCARCE))
    words = (*words, "--progress", rng.choice(("bar", "json", "none")))
    oddities, prepare, streams, environment = [], None, "pipe", {}
    way = rng.random()
    if way < 0.4:
        name = rng.choice(sorted(PREPARED))
        oddities, prepare = [name], PREPARED[name](rng)
    elif way < 0.5:
        streams = rng.choice(("full", "gone"))
        oddities = [f"output {streams}"]
    if way > 0.35:
        for name in rng.sample(VARIABLES, rng.choice((1, 2, 3))):
            value = rng.choice((*GIVEN.get(name, VALUES), None))
            environment[name] = value
            oddities.append(f"{name}={value}")
    return Play(f"{words[0]} with {', '.join(oddities)}", words, environment, prepare, streams)


def sudden_end(number: int) -> Play:
    """A registration that is killed or asked to stop at some moment."""
    rng = random.Random(f"end {number}")
    after_s = rng.uniform(0.05, 20.0)
    signals = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV)
    number, whom = rng.choice(signals), rng.choice(("command", "worker", "both"))
    title = f"signal {number} to {whom} after {after_s:.1f} s"
    return Play(title, REGISTER, end_after_s=after_s, ends_with=(number, whom))


def _ignored(number: int) -> None:
    signal.signal(number, signal.SIG_IGN)


def _mask(mode: int) -> None:
    os.umask(mode)
