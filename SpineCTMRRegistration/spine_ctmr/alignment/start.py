"""Where a registration starts: the rigid CT→MR motion and how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Case, Centroids
from ..imaging.vertebra_names import vertebra_list
from .bending import bent_motions
from .centroids import body_centers, label_centroids, rigid_start
from .search import search_translation

ENOUGH_TO_TELL = 3
"""Landmarks; of two only the distance is known."""
CLEARLY_CLOSER = 0.5
"""Share of the residual. Errors of 5 mm in every landmark hide the difference."""


@dataclass(frozen=True)
class Start:
    """The start.

    Attributes:
        global_rigid: CT→MR.
        motions: CT→MR in LPS mm of every vertebra, by VerSe number: the global one, bent as is known.
        ct_centers: body centres in the CT, LPS mm.
        mr_centers: body centres in the MR that were matched, LPS mm; empty after an automatic search.
        found_by: how the level was decided, in words.
        residual_mm: root mean square distance of the matched centres after the start.
    """

    global_rigid: Pose
    motions: Mapping[int, Pose]
    ct_centers: Centroids
    mr_centers: Centroids
    found_by: str
    residual_mm: float


def find_start(case: Case) -> Start:
    """Start from landmarks, from an MR label map, or from the images alone.

    Raises:
        InputError: CT and MR have no vertebra in common.
    """
    ct_centers = body_centers(case.vertebrae)
    if case.mr_centroids is not None:
        return _from_landmarks(case, case.mr_centroids, ct_centers)
    if case.mr_vertebrae is not None:
        return _matched(ct_centers, _complete_centers(case, ct_centers), "MR vertebra labels")
    motion = search_translation(case, ct_centers)
    motions = dict.fromkeys(ct_centers, motion)
    return Start(motion, motions, ct_centers, {}, "level chosen by the images", float("nan"))


def _from_landmarks(case: Case, landmarks: Centroids, ct_centers: Centroids) -> Start:
    """Landmarks are body centres or, as some label tools write them, centroids of whole vertebrae.

    Those lie some 13 mm behind the bodies of a lumbar spine. Whichever fits clearly better is taken.
    """
    start = _matched(ct_centers, landmarks, "MR landmarks")
    whole = _matched(label_centroids(case.vertebrae), landmarks, "MR landmarks, centroids of whole vertebrae")
    enough = len(start.mr_centers) >= ENOUGH_TO_TELL
    if enough and whole.residual_mm < CLEARLY_CLOSER * start.residual_mm:
        return replace(whole, ct_centers=ct_centers)
    return start


def _complete_centers(case: Case, ct_centers: Centroids) -> Centroids:
    """Centres of the MR labels; at the MR's border they may be cut, and count if fewer than two others do."""
    assert case.mr_vertebrae is not None
    centers = body_centers(case.mr_vertebrae)
    inside = Grid.of(case.mr)
    whole = {n: c for n, c in centers.items() if n in ct_centers and inside.contains(c, margin_mm=10.0)}
    return whole if len(whole) >= 2 else centers


def _matched(ct_centers: Centroids, mr_centers: Centroids, found_by: str) -> Start:
    common = {n: mr_centers[n] for n in ct_centers if n in mr_centers}
    if not common:
        raise InputError(
            f"CT labels ({vertebra_list(list(ct_centers))}) and MR ({vertebra_list(list(mr_centers))}) "
            "have no vertebra in common; name the same vertebrae in both."
        )
    motion = rigid_start(ct_centers, common)
    distances = [np.linalg.norm(motion.apply(ct_centers[n]) - c) for n, c in common.items()]
    motions = bent_motions(
        ct_centers, motion, {n: ct_centers[n][None] for n in common}, {n: c[None] for n, c in common.items()}
    )
    residual = float(np.sqrt(np.mean(np.square(distances))))
    return Start(motion, motions, ct_centers, common, found_by, residual)
