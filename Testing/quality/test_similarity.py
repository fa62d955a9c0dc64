"""Normalised mutual information against entropies computed by scipy, and its use around bones."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.stats import entropy
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.quality.similarity import nmi_of_samples, vertebra_similarity


def test_agrees_with_scipy_on_uniform_levels():
    """Whole levels spread evenly, so that the histogram's bins are the levels themselves."""
    rng = np.random.default_rng(2)
    a = rng.permutation(np.repeat(np.arange(8), 500))
    b = np.where(rng.uniform(size=a.size) < 0.7, 7 - a, rng.integers(0, 8, a.size))
    joint = np.zeros((8, 8))
    np.add.at(joint, (a, b), 1)
    wanted = (entropy(joint.sum(0)) + entropy(joint.sum(1))) / entropy(joint.ravel())
    assert 1.1 < wanted < 1.9
    assert nmi_of_samples(a, b, bins=8) == pytest.approx(wanted, abs=1e-9)


def test_ends_of_the_scale():
    rng = np.random.default_rng(3)
    a, b = rng.uniform(size=(2, 100_000))
    assert nmi_of_samples(a, 5 - 3 * a) == pytest.approx(2, abs=0.01)
    assert nmi_of_samples(a, b) == pytest.approx(1, abs=0.01)
    assert np.isnan(nmi_of_samples([], []))
    assert np.isnan(nmi_of_samples(np.ones(9), np.ones(9)))


def test_the_right_motion_is_more_similar_than_a_wrong_one():
    """A ball dark on the MR and bright on the CT, on grids of different spacing and direction."""
    true = Pose.from_rotation((0.2, -0.1, 0.3), (12.0, -7.0, 4.0))
    mr_grid = Grid((40, 40, 30), (1.0, 1.2, 1.5), (-20.0, -24.0, -22.0))
    ct_grid = Grid.around(true.inverse.apply(mr_grid.corners()), 1.1)
    rng = np.random.default_rng(0)

    def ball(points):
        return np.clip(11 - np.linalg.norm(points * (1, 1.3, 0.8), axis=-1), 0, 1)

    mr = mr_grid.image(
        (300 - 200 * ball(mr_grid.points()) + rng.normal(0, 5, mr_grid.shape)).astype(np.float32)
    )
    in_mr = true.apply(ct_grid.points())
    ct = ct_grid.image((40 + 400 * ball(in_mr) + rng.normal(0, 5, ct_grid.shape)).astype(np.int16))
    labels = mr_grid.image((ball(mr_grid.points()) > 0.5).astype(np.uint8) * 22)
    case = Case(ct, mr, sitk.Image())
    right = vertebra_similarity(case, labels, {22: true})[22]
    wrong = vertebra_similarity(case, labels, {22: Pose.from_rotation(np.zeros(3), (5.0, 0, 0)) @ true})[22]
    assert right > wrong + 0.05
    assert vertebra_similarity(case, labels, {}) == {}
