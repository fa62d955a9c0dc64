"""Whom the flags are calibrated on: elastic patients of all parts of the spine, painted and real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ....errors import InputError
from ....evaluation.truth_points import PointPairs, phantom_bone
from ....imaging.case import Case
from ....phantoms.anatomy import Anatomy
from ....phantoms.mechanics.posture import PostureOptions
from ....phantoms.mr_physics import ChemicalShift
from ....phantoms.phantom import Phantom, PhantomOptions, make_phantom
from ....phantoms.segmented_spines import LabelledSpine, SegmentedSpines, label_maps
from ..cases import CaseFiles as CaseFiles

Spines = tuple[LabelledSpine, ...]

FIRST_SEED, FIRST_REAL_SEED, FIRST_CASE = 70_000, 71_000, 72_000
"""Seeds, and numbers of real patients, that neither training nor tests nor other studies use."""
REGIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "lumbar": ((19, 20, 21, 22, 23, 24), (20, 21, 22, 23, 24, 26), (18, 19, 20, 21, 22, 23)),
    "thoracic": ((8, 9, 10, 11, 12, 13, 14), (10, 11, 12, 13, 14, 15, 16), (13, 14, 15, 16, 17, 18, 19)),
    "cervical": ((2, 3, 4, 5, 6, 7, 8), (1, 2, 3, 4, 5, 6, 7), (3, 4, 5, 6, 7, 8, 9)),
}
"""VerSe numbers of the vertebrae that painted patients have."""
REAL = "real anatomy"
SCANS: dict[str, PhantomOptions] = {
    "T1 1.3 mm": PhantomOptions(mr_spacing_mm=(1.3, 1.3)),
    "STIR 1.3 mm": PhantomOptions(sequence="STIR", mr_spacing_mm=(1.3, 1.3)),
    "T1 3.3 mm slices": PhantomOptions(mr_spacing_mm=(1.1, 3.3)),
    "T2 4 mm slices": PhantomOptions(sequence="T2", mr_spacing_mm=(1.1, 4.0)),
    "T2 1.3 mm": PhantomOptions(sequence="T2", mr_spacing_mm=(1.3, 1.3)),
    "T1 4 mm slices": PhantomOptions(mr_spacing_mm=(1.1, 4.0)),
}
_BENDS = (0.0, 0.4, -0.3)
"""Share of flexion of every third patient."""


@dataclass(frozen=True)
class FlagPatient:
    """A patient whose truth is known.

    Attributes:
        number: in the table.
        region: part of the spine, or `REAL`.
        kind: of the MR.
        case: the inputs, centres right.
        bone: true places, by VerSe number.
        phantom: with the parameters that make it sick; None for a case from files.
    """

    number: int
    region: str
    kind: str
    case: Case
    bone: dict[int, PointPairs]
    phantom: Phantom | None = None


def is_held_out(region: str, number: int) -> bool:
    """Whether a patient tests the rule: real ones, and every other round through the parts of the spine."""
    return region == REAL or number // len(REGIONS) % 2 == 1


def painted_region(number: int) -> str:
    """The part of the spine of painted patient `number`: every one in turn."""
    return list(REGIONS)[number % len(REGIONS)]


@lru_cache(maxsize=6)
def painted_patient(number: int) -> FlagPatient:
    """Painted patient `number`: every part of the spine, kind of MR and posture in turn."""
    region = painted_region(number)
    turn = number // len(REGIONS)
    levels = REGIONS[region][turn // 2 % len(REGIONS[region])]
    return _scanned(FIRST_SEED + number, number, region, turn // 2 + 2 * (number % 3), levels=levels)


def real_patient(spines: Spines, number: int) -> FlagPatient:
    """Patient `number` with the anatomy and the grey values of one of some CTs, larger or smaller."""
    seed = FIRST_REAL_SEED + number
    anatomy, _ = SegmentedSpines(spines)(np.random.default_rng([seed, 22]), np.inf)
    return _scanned(seed, seed, REAL, number, anatomy=anatomy)


def case_patient(files: CaseFiles, number: int) -> FlagPatient:
    """A case whose truth another program made (`cases_with_truth`)."""
    subject = files.read()
    assert subject.truth is not None
    return FlagPatient(FIRST_CASE + number, REAL, "case", subject.case, dict(subject.truth.bone))


def scanned_spines(folder: Path) -> Spines:
    """The CTs with labels in a folder.

    Raises:
        InputError: it holds none, or labels without a CT.
    """
    spines = label_maps(folder)
    if missing := [spine.labels for spine in spines if spine.ct is None]:
        raise InputError(
            f"The labels '{missing[0]}' have no CT; give a folder with ct and ct_labels for each."
        )
    return spines


def cases_with_truth(cases: Mapping[str, CaseFiles]) -> Mapping[str, CaseFiles]:
    """The cases themselves.

    Raises:
        InputError: one lacks landmarks or true points.
    """
    for name, files in cases.items():
        if files.truth is None or files.mr_landmarks is None:
            raise InputError(f"The case '{name}' needs mr_landmarks and truth_points.npz; add them.")
    return cases


def _scanned(
    seed: int,
    number: int,
    region: str,
    turn: int,
    levels: tuple[int, ...] = (),
    anatomy: Anatomy | None = None,
) -> FlagPatient:
    kind = list(SCANS)[turn % len(SCANS)]
    options = replace(
        SCANS[kind],
        levels=levels,
        ct_spacing_mm=(1.3, 1.5),
        margin_mm=10.0,
        motion=PostureOptions(bend=_BENDS[turn % len(_BENDS)]),
        chemical_shift=ChemicalShift.random(np.random.default_rng([seed, 21])),
    )
    phantom = make_phantom(seed, options, anatomy=anatomy)
    return FlagPatient(number, region, kind, phantom.case, phantom_bone(phantom), phantom)
