"""How a long computation tells where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stage in words and the share of all work done, in [0, 1]."""

    def __call__(self, stage: str, fraction: float) -> None: ...


def silent(stage: str, fraction: float) -> None:
    """Report nothing."""


def span(progress: Progress, start: float, stop: float) -> Progress:
    """A progress whose [0, 1] is the part [start, stop] of another one."""

    def report(stage: str, fraction: float) -> None:
        progress(stage, start + (stop - start) * fraction)

    return report
