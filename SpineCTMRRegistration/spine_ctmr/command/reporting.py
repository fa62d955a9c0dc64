"""How a run talks to its user: a bar on the terminal, JSON lines for programs, or only errors."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from ..progress import Progress
from ..results.names import REPORT

STAGE_COLUMNS, WIDE, NARROWEST_BAR = 24, 64, 5
"""Bars begin below each other in terminals that are wide enough for most stages."""


class Reporter(Progress, Protocol):
    """Receives progress, sentences and the folder of results."""

    def message(self, text: str) -> None:
        """Show what was found."""

    def warning(self, sentence: str) -> None:
        """Show what the user should know although the run goes on."""

    def error(self, sentence: str) -> None:
        """Show why the run ended."""

    def result(self, directory: Path) -> None:
        """Show where the finished results are."""

    def close(self) -> None:
        """End the display of progress; further progress starts anew."""


def make_reporter(kind: str) -> Reporter:
    """The reporter for `--progress` "bar" (lines where there is no terminal), "json" or "none"."""
    if kind == "json":
        return JsonReporter()
    if kind == "none":
        return PlainReporter()
    return BarReporter() if sys.stderr.isatty() else LineReporter()


class Clock:
    """Time since the start and an estimate of the time left."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def elapsed_s(self) -> float:
        return time.monotonic() - self._start

    def remaining_s(self, fraction: float) -> float | None:
        """The time left if the rest goes as fast as before; None if nothing is known."""
        return self.elapsed_s() * (1 - fraction) / fraction if fraction > 0 else None


class JsonReporter:
    """One JSON object per line on standard output."""

    MIN_INTERVAL_S = 0.1

    def __init__(self) -> None:
        self._clock = Clock()
        self._stage = ""
        self._printed_s = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        fraction = min(max(fraction, 0.0), 1.0)
        now = self._clock.elapsed_s()
        if stage == self._stage and fraction < 1 and now - self._printed_s < self.MIN_INTERVAL_S:
            return
        self._stage, self._printed_s = stage, now
        left = self._clock.remaining_s(fraction)
        self._print(
            stage=stage,
            fraction=round(fraction, 4),
            elapsed_s=round(now, 2),
            remaining_s=None if left is None else round(left, 1),
        )

    def message(self, text: str) -> None:
        self._print(message=text)

    def warning(self, sentence: str) -> None:
        self._print(warning=sentence)

    def error(self, sentence: str) -> None:
        self._print(error=sentence)

    def result(self, directory: Path) -> None:
        self._print(result=str(directory))

    def close(self) -> None:
        """Estimate the time left from now on."""
        self._clock = Clock()

    def _print(self, **content: Any) -> None:
        print(json.dumps(content), flush=True)


class PlainReporter:
    """Warnings and errors on standard error, nothing else."""

    def __call__(self, stage: str, fraction: float) -> None:
        """Say nothing."""

    def message(self, text: str) -> None:
        print(text, flush=True)

    def warning(self, sentence: str) -> None:
        print(f"warning: {sentence}", file=sys.stderr, flush=True)

    def error(self, sentence: str) -> None:
        print(f"error: {sentence}", file=sys.stderr, flush=True)

    def result(self, directory: Path) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Nothing to end."""


class LineReporter(PlainReporter):
    """A line on standard error per stage, for logs; the result on standard output."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self._stage = stage
            print(f"{100 * min(max(fraction, 0.0), 1.0):3.0f} % {stage}", file=sys.stderr, flush=True)

    def result(self, directory: Path) -> None:
        print(_to_look_at(directory), flush=True)


class BarReporter(PlainReporter):
    """A bar on standard error: stage, per cent, time left; the result on standard output."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, fraction: float) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=1.0,
                bar_format=bar_format(stage, _terminal_columns()),
                smoothing=0,
                miniters=0,
                nrows=24,  # any height will do, but tqdm hides the bar where it is unknown
            )
        changed = stage != self._stage
        self._stage, self._bar.ncols = stage, _terminal_columns()
        self._bar.bar_format = bar_format(stage, self._bar.ncols)
        if changed and stage not in self._bar.bar_format:
            self._clear_line()
            print(stage, file=sys.stderr)
        self._bar.update(min(max(fraction, 0.0), 1.0) - self._bar.n)
        if changed:
            self._bar.refresh()

    def message(self, text: str) -> None:
        self._clear_line()
        super().message(text)

    def warning(self, sentence: str) -> None:
        self._clear_line()
        super().warning(sentence)

    def error(self, sentence: str) -> None:
        self._clear_line()
        super().error(sentence)

    def result(self, directory: Path) -> None:
        print(_to_look_at(directory), flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @staticmethod
    def _clear_line() -> None:
        """Wipe a bar, our own or that of a worker which has ended in the middle of it."""
        blank = " " * (_terminal_columns() - 1)
        print(f"\r{blank}\r", end="", file=sys.stderr)


def bar_format(stage: str, columns: int) -> str:
    """What tqdm shows in so many columns: the per cent, the whole stage or none, and a bar that has room."""
    room = columns - len(stage) - len(" 100 %")
    if room < 1:
        return "{percentage:3.0f} %"
    name = stage.replace("{", "{{").replace("}", "}}")
    if room < len(" |") + NARROWEST_BAR + len("| 00:00 < 00:00 "):
        return f"{name} {{percentage:3.0f}} %"
    longest = STAGE_COLUMNS if columns >= WIDE else 0
    return f"{name:<{longest}s} {{percentage:3.0f}} % |{{bar}}| {{elapsed}} < {{remaining}}"


def _to_look_at(directory: Path) -> Path:
    """The report in a folder of results, or the folder where there is none."""
    report = directory / REPORT
    return report if report.is_file() else directory


def _terminal_columns() -> int:
    """The width of the terminal at standard error, or 80 if it is unknown."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
