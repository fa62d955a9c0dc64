"""`python -m fuzz`: damage, oddities and sudden ends for a while; leaves with 1 if anything was found.

What was found once is kept in `kept.txt`, and tried first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice, takewhile
from pathlib import Path

import h5py  # noqa: F401  loaded once, before the forks
import onnxruntime  # noqa: F401
import torch

from . import commands, plays, trials

KEPT = Path(__file__).with_name("kept.txt")
Try = Callable[[int, str, Path], tuple[str, str, str | None]]
"""Given a number, the kind of file or "", and the seeds: title, what came of it, and the fault if any."""


@dataclass
class Tally:
    """What came of the trials of one sort."""

    words: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def _file(number: int, kind: str, seeds: Path) -> tuple[str, str, str | None]:
    trial = trials.draw(number, kind)
    outcome = trials.attempt(trial, seeds)
    return f"{trial.kind.name} {trial.file}", outcome.word, outcome.fault


def _played(make: Callable[[int], commands.Play]) -> Try:
    def attempt(number: int, kind: str, seeds: Path) -> tuple[str, str, str | None]:
        play = make(number)
        seen = commands.play(play, seeds)
        return play.title, f"exit code {seen.code}", seen.fault

    return attempt


@dataclass(frozen=True)
class Sort:
    """What is tried.

    Attributes:
        attempt: one trial.
        share: of the time.
        bar: trials of the whole bar.
    """

    attempt: Try
    share: float
    bar: int


SORTS = {
    "file": Sort(_file, 0.55, 5000),
    "arguments": Sort(_played(plays.odd_arguments), 0.15, 300),
    "environment": Sort(_played(plays.odd_environment), 0.2, 100),
    "end": Sort(_played(plays.sudden_end), 0.1, 50),
}


def main() -> int:
    """Run the study; return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=600.0, help="how long (default: 600)")
    bar = ", ".join(f"{sort.bar} of sort {name}" for name, sort in SORTS.items())
    length.add_argument("--bar", action="store_true", help=f"however long it takes: {bar}")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="number of the first trial (default: 0)"
    )
    parser.add_argument("--only", nargs="+", choices=SORTS, default=list(SORTS), help="(default: all)")
    parser.add_argument("--seeds", type=Path, help="folder of seeds, made where it is missing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as temporary:
        seeds = arguments.seeds or Path(temporary) / "seeds"
        if not seeds.is_dir():
            subprocess.run([sys.executable, "-m", "fuzz.seeds", str(seeds)], check=True)
        total = sum(SORTS[name].share for name in arguments.only)
        tallies = {}
        for name in arguments.only:
            seconds = arguments.seconds * SORTS[name].share / total
            numbers = _numbers(name, arguments.first)
            some = islice(numbers, SORTS[name].bar) if arguments.bar else _within(seconds, numbers)
            tallies[name] = _tally(name, some, seeds)
    return _told(tallies)


def _within(seconds: float, numbers: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    deadline = time.monotonic() + seconds
    return takewhile(lambda _: time.monotonic() <= deadline, numbers)


def _tally(sort: str, numbers: Iterator[tuple[int, str]], seeds: Path) -> Tally:
    tally = Tally()
    for number, kind in numbers:
        title, word, fault = SORTS[sort].attempt(number, kind, seeds)
        tally.words[word] += 1
        if fault is not None:
            tally.faults.append(f"{sort} {number}: {title}: {fault}")
            print(tally.faults[-1], flush=True)
    return tally


def _numbers(sort: str, first: int) -> Iterator[tuple[int, str]]:
    """Those that found something once, with their kind of file, and then one after the other."""
    for line in KEPT.read_text().splitlines():
        kept, _, rest = line.partition(" ")
        if kept == sort:
            number, _, kind = rest.partition(" ")
            yield int(number), kind
    yield from ((number, "") for number in count(first))


def _told(tallies: dict[str, Tally]) -> int:
    for sort, tally in tallies.items():
        words = ", ".join(f"{word} {n}" for word, n in sorted(tally.words.items()))
        print(f"{sort}: {tally.words.total()} tried, {len(tally.faults)} faults ({words})")
    return int(any(tally.faults for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
