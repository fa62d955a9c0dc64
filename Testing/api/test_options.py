"""Options are refused when they are made, not in the middle of a registration."""

from __future__ import annotations

from typing import Any

import pytest
from spine_ctmr import RegistrationOptions
from spine_ctmr.errors import InputError


@pytest.mark.parametrize(
    "given",
    [
        {"seed": "0"},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": True},
        {"seed": None},
        {"threads": "2"},
        {"threads": 1.5},
        {"threads": 0},
        {"threads": True},
        {"quality": "Fast"},
        {"quality": ["fast"]},
        {"device": "gpu"},
        {"network_only": True, "quality": "fast"},
    ],
)
def test_unusable_options_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^(seed|threads|quality|device) ") as error:
        RegistrationOptions(**given)
    assert "\n" not in str(error.value)


def test_whole_numbers_are_taken() -> None:
    options = RegistrationOptions(seed=2**40, threads=1)
    assert (options.seed, options.threads) == (2**40, 1)
