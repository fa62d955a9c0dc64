"""Says at the start of a long stage of equal items how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..progress import Progress

FIRST_ITEMS = 2
"""So many are timed before the time is told."""
SHORT_S = 30.0
"""What takes less is not worth a sentence."""
KEPT_S = 0.2
"""An item that took less was there already."""


class Foretelling:
    """A progress that passes on what it hears and, after the first items, tells how long the rest takes."""

    def __init__(self, progress: Progress, stages: str, tell: Callable[[str], None]) -> None:
        """Listen.

        Args:
            progress: told everything.
            stages: how the stages begin whose items are timed.
            tell: told the time, as one sentence.
        """
        self._progress, self._stages, self._tell = progress, stages, tell
        self._before: tuple[float, float] | None = time.monotonic(), 0.0
        self._made: list[tuple[float, float]] = []

    def __call__(self, stage: str, fraction: float) -> None:
        self._progress(stage, fraction)
        if self._before is None or not stage.startswith(self._stages):
            return
        now = time.monotonic()
        seconds, share = now - self._before[0], fraction - self._before[1]
        self._before = now, fraction
        if seconds > KEPT_S and share > 0:
            self._made.append((seconds, share))
        if len(self._made) == FIRST_ITEMS:
            self._before = None
            left_s = (1 - fraction) * sum(s for s, _ in self._made) / sum(s for _, s in self._made)
            if left_s > SHORT_S:
                self._tell(f"{stage} will take about {_in_words(left_s)}; they are kept and made only once.")


def _in_words(seconds: float) -> str:
    """A time with two digits at most, rounded up: "50 seconds", "12 minutes", "1.5 hours"."""
    if seconds < 90:
        return f"{10 * -int(-seconds // 10):d} seconds"
    if seconds < 5400:
        return f"{-int(-seconds // 60):d} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 36_000 else f"{seconds / 3600:.0f} hours"
