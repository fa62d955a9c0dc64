"""What tissues look like on CT and on MR sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# tissue: CT in HU, T1, T2, STIR, gradient echo (relative signal)
_TABLE: dict[str, tuple[float, float, float, float, float]] = {
    "air": (-1000, 0.0, 0.0, 0.0, 0.0),
    "fat": (-100, 0.95, 0.80, 0.08, 0.45),
    "muscle": (55, 0.33, 0.22, 0.33, 0.55),
    "visceral fat": (-105, 0.90, 0.75, 0.08, 0.42),
    "organ": (50, 0.42, 0.38, 0.40, 0.50),
    "kidney": (40, 0.35, 0.65, 0.80, 0.55),
    "bowel": (25, 0.35, 0.50, 0.60, 0.50),
    "fluid": (8, 0.13, 0.95, 1.00, 0.60),
    "gas": (-900, 0.02, 0.02, 0.02, 0.02),
    "lung": (-830, 0.05, 0.05, 0.05, 0.03),
    "vessel": (48, 0.12, 0.06, 0.10, 1.00),
    "annulus": (95, 0.30, 0.14, 0.15, 0.45),
    "nucleus": (75, 0.34, 0.65, 0.65, 0.75),
    "epidural fat": (-70, 0.88, 0.75, 0.10, 0.45),
    "ligament": (70, 0.15, 0.12, 0.15, 0.25),
    "csf": (12, 0.13, 1.00, 1.00, 0.75),
    "cord": (35, 0.42, 0.40, 0.40, 0.55),
    "marrow": (170, 0.60, 0.50, 0.15, 0.22),
    "cortex": (900, 0.06, 0.05, 0.04, 0.05),
    "cement": (2000, 0.03, 0.03, 0.03, 0.02),
    "metal": (8000, 0.0, 0.0, 0.0, 0.0),
    "metal void": (np.nan, 0.0, 0.0, 0.0, 0.0),
    "table": (-150, 0.0, 0.0, 0.0, 0.0),
}
"""Not a number: the tissue is not seen in that contrast and what lies under it shows."""
TISSUES = tuple(_TABLE)
INDEX = {name: i for i, name in enumerate(TISSUES)}
SEQUENCES = ("T1", "T2", "STIR", "GRE", "random")
ANY = "any"
"""Instead of one of the sequences: each patient gets another one, or a blend."""
_COLUMNS = {"CT": 0, "T1": 1, "T2": 2, "STIR": 3, "GRE": 4}


def ct_contrast(rng: np.random.Generator) -> NDArray[Any]:
    """HU (tissues,) of a random patient: bone density, contrast agent, fat and muscle quality."""
    values = np.array([row[0] for row in _TABLE.values()], float)
    values += rng.normal(0, 8, len(values)) * (np.abs(values) < 500)
    values[INDEX["marrow"]] = rng.uniform(50, 250)
    values[INDEX["cortex"]] = rng.uniform(600, 1200)
    values[INDEX["muscle"]] = rng.uniform(35, 65)
    if rng.uniform() < 0.3:
        values[INDEX["vessel"]] = rng.uniform(120, 300)
        values[INDEX["kidney"]] = rng.uniform(90, 200)
    return values


def mr_contrast(rng: np.random.Generator, sequence: str) -> NDArray[Any]:
    """Relative signal (tissues,) of an MR sequence, with the spread seen between scanners."""
    if sequence == "random":
        values = rng.uniform(0, 1, len(TISSUES))
        values[INDEX["cortex"]] = rng.uniform(0, 0.15)
    else:
        values = np.array([row[_COLUMNS[sequence]] for row in _TABLE.values()], float)
        values = values * rng.normal(1, 0.12, len(values)).clip(0.7, 1.3)
        values[INDEX["marrow"]] *= rng.uniform(0.75, 1.25)
        values[INDEX["nucleus"]] *= rng.uniform(0.6, 1.2)
    for name in ("air", "gas", "metal", "metal void", "table"):
        values[INDEX[name]] = rng.uniform(0, 0.02)
    values[INDEX["cement"]] = min(values[INDEX["cement"]], 0.05)
    return values
