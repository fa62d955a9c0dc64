"""What one patient's job asks for, from what registrations took."""

from __future__ import annotations

WHOLE_SPINE = 24
"""Vertebrae of a patient whose number is not told."""
MEMORY_MB = 2000, 160
"""At least what was measured, as in a constant and a share of every vertebra: 1.8 GB for three vertebrae
of a real patient, 2.3 GB for five, 4.3 GB for a whole spine (CT 512×512×900)."""
MINUTES = 4, 0.5
"""Wall-clock on one core, several times what was measured: a minute for three, two for a whole spine."""


def memory_mb(vertebra_count: int | None, attempt: int = 1) -> int:
    """Memory that a registration is given; twice as much when it is tried again."""
    return round(attempt * _grown(MEMORY_MB, vertebra_count))


def minutes(vertebra_count: int | None, attempt: int = 1) -> int:
    """Time after which a cluster may end it; twice as much when it is tried again."""
    return round(attempt * _grown(MINUTES, vertebra_count))


def _grown(by: tuple[float, float], vertebra_count: int | None) -> float:
    constant, each = by
    return constant + each * (vertebra_count or WHOLE_SPINE)
