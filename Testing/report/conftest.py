"""What several tests of the report look at."""

import pytest
from report.known_spine import Spine, known_spine


@pytest.fixture(scope="session")
def spine() -> Spine:
    return known_spine()
