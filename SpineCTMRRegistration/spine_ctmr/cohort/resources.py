"""What one patient's job asks of the scheduler: more than registrations took.

What they took is told in one place, docs/measured/accuracy.md, "Time and memory".
"""

from __future__ import annotations

WHOLE_SPINE = 24
"""Vertebrae of a patient whose number is not told."""
MEMORY_MB = 2000, 160
"""A constant and a share of every vertebra, with a margin."""
MINUTES = 4, 0.5
"""A constant and a share of every vertebra, wall-clock on one core, with a wide margin."""


def memory_mb(vertebra_count: int | None, attempt: int = 1) -> int:
    """Memory that a registration is given; twice as much when it is tried again."""
    return round(attempt * _grown(MEMORY_MB, vertebra_count))


def minutes(vertebra_count: int | None, attempt: int = 1) -> int:
    """Time after which a cluster may end it; twice as much when it is tried again."""
    return round(attempt * _grown(MINUTES, vertebra_count))


def _grown(by: tuple[float, float], vertebra_count: int | None) -> float:
    constant, each = by
    return constant + each * (vertebra_count or WHOLE_SPINE)
