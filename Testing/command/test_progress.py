"""Parts of a progress."""

from __future__ import annotations

import pytest
from spine_ctmr.progress import span


def test_span_is_a_part_of_the_whole():
    seen = []
    part = span(lambda stage, fraction: seen.append((stage, fraction)), 0.2, 0.6)
    part("refining", 0.5)
    assert seen == [("refining", pytest.approx(0.4))]
