"""Landmarks that are centroids of whole vertebrae, as label tools write them, start as well as bodies."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.alignment.centroids import body_centers, label_centroids
from spine_ctmr.alignment.start import find_start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case, Centroids

from .conftest import Labeller

TRUE = Pose.from_rotation(np.radians([4.0, -3.0, 2.0]), [12.0, -8.0, 30.0])
CURVED = {21: np.array([0.0, 0.0, 90.0]), 22: np.array([2.0, -9.0, 55.0]), 23: np.array([0.0, -4.0, 20.0])}
"""Body centres."""


@pytest.fixture(scope="module")
def case(label_vertebrae: Labeller) -> Case:
    """A curved spine; the middle one has no processes, so that the two kinds of centres differ in shape."""
    grid = Grid((50, 52, 72), (2.0, 2.0, 2.0), (-50.0, -36.0, -12.0))
    labels = sitk.GetArrayFromImage(label_vertebrae(grid, CURVED))
    labels[(labels == 22) & (grid.points()[..., 1] > CURVED[22][1] + 16)] = 0
    empty = grid.image(np.zeros(grid.shape, np.int16))
    return Case(empty, empty, grid.image(labels))


def started(case: Case, centers: Centroids, wrong_mm: float = 0.0) -> tuple[float, str]:
    """Largest distance in mm of the body centres from their true places after the start, and its words."""
    rng = np.random.default_rng(3)
    landmarks = {n: TRUE.apply(c) + rng.normal(0, wrong_mm, 3) for n, c in centers.items()}
    start = find_start(Case(case.ct, case.mr, case.vertebrae, mr_centroids=landmarks))
    bodies = body_centers(case.vertebrae)
    errors = [np.linalg.norm(start.motions[n].apply(c) - TRUE.apply(c)) for n, c in bodies.items()]
    return float(max(errors)), start.found_by


def test_body_centres_are_taken_as_such(case: Case) -> None:
    error, words = started(case, body_centers(case.vertebrae))
    assert error < 2.0
    assert words == "MR landmarks"


def test_centroids_of_whole_vertebrae_are_recognised(case: Case) -> None:
    """Taken for body centres they would start a body 5 mm off."""
    error, words = started(case, label_centroids(case.vertebrae))
    assert error < 2.0
    assert words == "MR landmarks, centroids of whole vertebrae"


def test_body_centres_that_are_wrong_stay_body_centres(case: Case) -> None:
    assert started(case, body_centers(case.vertebrae), 3.0)[1] == "MR landmarks"
