"""How stiff tissues are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tissue import TISSUES

POISSON = 0.42
"""Of all tissues: soft tissue keeps nearly all of its volume, and linear elements do not lock yet."""

# Young's modulus in kPa, small strains at rest; published values, which spread over a decade, are beside them
# in docs/synthetic-patients.md. Limited to 1 kPa, so that air hardly resists, and 1 MPa, which is as good as
# rigid beside muscle: the solver's steps grow with the contrast.
_YOUNG_KPA: dict[str, float] = {
    "air": 1.0,
    "fat": 5.0,
    "muscle": 35.0,
    "visceral fat": 2.0,
    "organ": 10.0,
    "kidney": 12.0,
    "bowel": 6.0,
    "fluid": 2.0,
    "gas": 1.0,
    "lung": 2.0,
    "vessel": 100.0,
    "annulus": 1000.0,
    "nucleus": 1000.0,
    "epidural fat": 3.0,
    "ligament": 1000.0,
    "csf": 1.0,
    "cord": 10.0,
    "marrow": 1000.0,
    "cortex": 1000.0,
    "cement": 1000.0,
    "metal": 1000.0,
    "metal void": 1000.0,
    "table": 1.0,
}


def young_kpa() -> NDArray[Any]:
    """Young's modulus (tissues,) in kPa, in the order of `TISSUES`."""
    return np.array([_YOUNG_KPA[name] for name in TISSUES])
