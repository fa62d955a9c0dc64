"""Training pairs of synthetic patients: rendered CT and MR, and the displacement that is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.hounsfield import STORED_HU
from .metal_streaks import add_streaks
from .mr_physics import ChemicalShift, render_mr
from .pair_motion import PairMotion, blended_motion, elastic_motion
from .patient_sources import Anatomies, parametric_anatomy
from .rendering import render_ct
from .tissue import SEQUENCES, ct_contrast, mr_contrast

EDITION = 5
"""Counts the changes that give other patients for the same seed; banks of two editions do not mix."""
MECHANICS, BLEND, ELASTIC = "mechanics", "blend", "elastic"
MOTIONS = (MECHANICS, BLEND, ELASTIC)
_BLEND_SHARE = 0.15
"""Of the pairs of kind `MECHANICS`, for variety."""
_FOUND_SHARE = 0.3
"""Of their elastic pairs, that begin after a registration that has found the bones."""


@dataclass(frozen=True)
class Pair:
    """One synthetic pair on a common grid in the MR frame, the CT brought there by its start.

    Attributes:
        ct: (z, y, x) HU.
        mr: (k, z, y, x) relative signal, one volume for each sequence in `SEQUENCES`.
        displacement: (z, y, x, 3) mm along the grid axes: MR voxel → its place in `ct`.
        bone: (z, y, x) vertebra numbers in the MR frame.
        ct_labels: (z, y, x) vertebra numbers in the frame of `ct`.
        spacing_mm: voxel spacing.
    """

    ct: NDArray[Any]
    mr: NDArray[Any]
    displacement: NDArray[Any]
    bone: NDArray[Any]
    ct_labels: NDArray[Any]
    spacing_mm: float


def make_pair(
    seed: int,
    index: int,
    size: tuple[int, int, int],
    spacing_mm: float,
    anatomies: Anatomies = parametric_anatomy,
    motion: str = MECHANICS,
) -> Pair:
    """The pair number `index` of the patients of `seed`: a pure function of its arguments.

    Args:
        seed: of the patients.
        index: number of the pair; unless with `BLEND`, some pairs in a row show one patient.
        size: voxels (x, y, z).
        spacing_mm: of the isotropic grid.
        anatomies: gives a patient with the vertebrae within a reach in mm of the one in the middle.
        motion: `ELASTIC`, an elastic solid around moving bones, after a rigid start; `BLEND`; or `MECHANICS`,
            some of both, at times after a start that has found the bones.
    """
    rng = np.random.default_rng([seed, index])
    if motion == BLEND or (motion == MECHANICS and rng.uniform() < _BLEND_SHARE):
        return _rendered(rng, blended_motion(rng, size, spacing_mm, anatomies), spacing_mm)
    found = motion == MECHANICS and rng.uniform() < _FOUND_SHARE
    return _rendered(rng, elastic_motion(rng, seed, index, size, spacing_mm, anatomies, found), spacing_mm)


def _rendered(rng: np.random.Generator, motion: PairMotion, spacing_mm: float) -> Pair:
    anatomy, shape = motion.anatomy, motion.true_ct.shape[:3]
    contrast = ct_contrast(rng)
    signals = [mr_contrast(rng, s) for s in SEQUENCES]
    shift = ChemicalShift.random(rng)
    ct, ct_labels = render_ct(anatomy, motion.start_ct.reshape(-1, 3), contrast, spacing_mm)
    mr, bone = render_mr(anatomy, motion.true_ct.reshape(-1, 3), signals, shift, spacing_mm)
    return Pair(
        ct=add_streaks(rng, ct.reshape(shape).numpy(), spacing_mm).clip(*STORED_HU),
        mr=mr.T.reshape(-1, *shape).numpy(),
        displacement=motion.displacement.numpy(),
        bone=bone.reshape(shape).numpy(),
        ct_labels=ct_labels.reshape(shape).numpy(),
        spacing_mm=spacing_mm,
    )
