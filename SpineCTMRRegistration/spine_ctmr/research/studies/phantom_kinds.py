"""The kinds of phantoms that studies measure on, and starts that are wrong by a known distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import InputError
from ...imaging.case import Case
from ...phantoms.mechanics.posture import PostureOptions
from ...phantoms.motion import MotionOptions
from ...phantoms.phantom import PhantomOptions

FLEXED = MotionOptions(joint_deg=(5.0, 1.5, 1.5))
BLENDED: dict[str, PhantomOptions] = {
    "T1 1 mm": PhantomOptions(),
    "STIR 1 mm": PhantomOptions(sequence="STIR"),
    "T1 3.3 mm slices": PhantomOptions(mr_spacing_mm=(0.9, 3.3)),
    "T2 4 mm slices": PhantomOptions(sequence="T2", mr_spacing_mm=(0.8, 4.0)),
    "T1 1 mm flexed": PhantomOptions(motion=FLEXED),
    "T2 4 mm slices flexed": PhantomOptions(sequence="T2", mr_spacing_mm=(0.8, 4.0), motion=FLEXED),
}
BENT = PostureOptions(flexion=0.1, bend=0.7)
ELASTIC: dict[str, PhantomOptions] = {
    "T1 1 mm elastic": PhantomOptions(motion=PostureOptions()),
    "T2 4 mm slices elastic": PhantomOptions(
        sequence="T2", mr_spacing_mm=(0.8, 4.0), motion=PostureOptions()
    ),
    "T1 3.3 mm slices elastic bent": PhantomOptions(mr_spacing_mm=(0.9, 3.3), motion=BENT),
}
KINDS = BLENDED | ELASTIC

LEVELS = (
    (20, 21, 22, 23, 24),
    (21, 22, 23, 24),
    (20, 21, 22, 23, 24),
    (17, 18, 19, 20, 21),
    (22, 23, 24),
    (20, 21, 22, 23, 24),
)
"""VerSe numbers of the vertebrae of numbered phantoms."""


def known_kinds(names: Sequence[str]) -> Sequence[str]:
    """The names themselves.

    Raises:
        InputError: one is unknown.
    """
    if unknown := [name for name in names if name not in KINDS]:
        raise InputError(f"kind '{unknown[0]}': unknown; choose from {', '.join(map(repr, KINDS))}.")
    return names


def phantom_options(patient: int) -> tuple[str, PhantomOptions]:
    """Kind of MR and options of phantom number `patient`: every blended kind in turn, at several levels."""
    kind = list(BLENDED)[patient % len(BLENDED)]
    options = BLENDED[kind]
    inplane, thickness = options.mr_spacing_mm
    return kind, replace(
        options,
        levels=LEVELS[(patient % len(BLENDED) + patient // len(BLENDED)) % len(LEVELS)],
        mr_spacing_mm=(max(inplane, 1.2), max(thickness, 1.2)),
        ct_spacing_mm=(1.25, 1.5),
        margin_mm=14.0,
        truth_spacing_mm=1.5,
    )


def with_centroid_error(case: Case, error_mm: float, seed: int) -> Case:
    """The case with every MR centroid moved by `error_mm` in a random direction.

    Raises:
        InputError: the case has no centroids to move.
    """
    if error_mm == 0:
        return case
    if case.mr_centroids is None:
        raise InputError(
            "A case without MR landmarks has no centres to move; leave the centroid errors at 0."
        )
    rng = np.random.default_rng([seed, 77])
    moved = {}
    for number, center in case.mr_centroids.items():
        direction = rng.normal(size=3)
        moved[number] = center + error_mm * direction / np.linalg.norm(direction)
    return replace(case, mr_centroids=moved)
