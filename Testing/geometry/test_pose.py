"""Rigid motions against scipy's general matrix functions and SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import SimpleITK as sitk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry.pose import Pose

Array = NDArray[np.float64]
directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)
seeds = st.integers(0, 10_000)


@st.composite
def motions(draw: st.DrawFn, largest_deg: float = 175.0) -> Pose:
    """Rotations about any axis, tiny ones included, with shifts of up to half a metre."""
    axis = np.array(draw(directions))
    degrees = draw(st.one_of(st.floats(0, largest_deg), st.sampled_from([0.0, 1e-7, 1e-3, 90.0])))
    rotation = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    return Pose.of(rotation, draw(st.tuples(*[st.floats(-500, 500)] * 3)))


def _cloud(seed: int, count: int = 12) -> Array:
    return np.random.default_rng(seed).normal(0, 40, (count, 3))


@given(motions())
@settings(max_examples=60, deadline=None)
def test_log_is_the_matrix_logarithm(motion: Pose) -> None:
    np.testing.assert_allclose(motion.log, np.real(scipy.linalg.logm(motion.matrix)), atol=1e-5)


@given(motions())
@settings(max_examples=60, deadline=None)
def test_exp_is_the_matrix_exponential(motion: Pose) -> None:
    logarithm = motion.log
    np.testing.assert_allclose(Pose.exp(logarithm).matrix, scipy.linalg.expm(logarithm), atol=1e-8)


@given(motions())
@settings(max_examples=60, deadline=None)
def test_exp_undoes_log(motion: Pose) -> None:
    np.testing.assert_allclose(Pose.exp(motion.log).matrix, motion.matrix, atol=1e-7)


@given(motions(), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_share_of_the_logarithm_composes_to_the_whole_motion(motion: Pose, share: float) -> None:
    logarithm = motion.log
    parts = Pose.exp(share * logarithm) @ Pose.exp((1 - share) * logarithm)
    np.testing.assert_allclose(parts.matrix, motion.matrix, atol=1e-7)


@given(motions())
@settings(max_examples=30, deadline=None)
def test_inverse_is_the_matrix_inverse(motion: Pose) -> None:
    np.testing.assert_allclose(motion.inverse.matrix, np.linalg.inv(motion.matrix), atol=1e-9)


@given(directions, st.tuples(*[st.floats(-90, 90)] * 3), st.tuples(*[st.floats(-500, 500)] * 3))
@settings(max_examples=30, deadline=None)
def test_a_rotation_about_a_center_only_shifts_that_center(
    vector: tuple[float, ...], shift: tuple[float, ...], center: tuple[float, ...]
) -> None:
    moved = Pose.from_rotation(vector, shift, center).apply(center)
    np.testing.assert_allclose(moved, np.add(center, shift), atol=1e-9)


def test_positive_rotation_about_z_turns_left_to_posterior() -> None:
    quarter = Pose.from_rotation([0, 0, np.pi / 2], [0, 0, 0])
    np.testing.assert_allclose(quarter.apply([1, 0, 0]), [0, 1, 0], atol=1e-12)


@given(motions(), seeds)
@settings(max_examples=60, deadline=None)
def test_fit_recovers_any_rigid_motion(motion: Pose, seed: int) -> None:
    points = _cloud(seed)
    np.testing.assert_allclose(Pose.fit(points, motion.apply(points)).matrix, motion.matrix, atol=1e-7)


@given(motions(), seeds)
@settings(max_examples=30, deadline=None)
def test_fit_recovers_any_rigid_motion_of_coplanar_points(motion: Pose, seed: int) -> None:
    points = _cloud(seed) * [1, 1, 0]
    np.testing.assert_allclose(Pose.fit(points, motion.apply(points)).matrix, motion.matrix, atol=1e-7)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_fit_to_a_mirror_image_is_still_a_rotation(seed: int) -> None:
    points = _cloud(seed)
    rotation = Pose.fit(points, points * [-1, 1, 1]).rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_fit_is_the_least_squares_optimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = _cloud(seed), _cloud(seed) + rng.normal(0, 5, (12, 3))
    weights = rng.uniform(0.1, 3, 12)
    best = Pose.fit(source, target, weights)

    def cost(motion: Pose) -> float:
        return float(weights @ np.square(motion.apply(source) - target).sum(1))

    for _ in range(10):
        nudge = Pose.from_rotation(rng.normal(0, 0.01, 3), rng.normal(0, 0.1, 3))
        assert cost(nudge @ best) > cost(best)


def test_a_point_without_weight_has_no_say() -> None:
    motion = Pose.from_rotation([0.2, -0.1, 0.3], [5, -3, 8])
    points = _cloud(0)
    target = motion.apply(points)
    target[3] += 100
    fitted = Pose.fit(points, target, np.arange(12) != 3)
    np.testing.assert_allclose(fitted.matrix, motion.matrix, atol=1e-9)


def test_a_weight_counts_like_repeated_points() -> None:
    rng = np.random.default_rng(1)
    source, target = _cloud(1), _cloud(1) + rng.normal(0, 8, (12, 3))
    weights = rng.integers(1, 4, 12)
    repeated = Pose.fit(np.repeat(source, weights, 0), np.repeat(target, weights, 0))
    np.testing.assert_allclose(Pose.fit(source, target, weights).matrix, repeated.matrix, atol=1e-9)


def test_only_the_ratio_of_weights_matters() -> None:
    rng = np.random.default_rng(2)
    source, target = _cloud(2), _cloud(2) + rng.normal(0, 8, (12, 3))
    weights = rng.uniform(1, 3, 12)
    few, many = (Pose.fit(source, target, weights * k, stiffness_mm2=100.0) for k in (1, 1000))
    np.testing.assert_allclose(few.matrix, many.matrix, atol=1e-9)


@given(directions, directions, st.floats(1, 500))
@settings(max_examples=40, deadline=None)
def test_prior_adds_no_rotation_about_a_line_of_points(
    first: tuple[float, ...], second: tuple[float, ...], stiffness: float
) -> None:
    line, moved = (np.array(v) / np.linalg.norm(v) for v in (first, second))
    if np.linalg.norm(np.cross(line, moved)) < 0.05:
        return
    heights = np.linspace(-60, 60, 5)[:, None]
    rotation = Pose.fit(heights * line, heights * moved + [3, 4, 5], stiffness_mm2=stiffness).rotation
    vector = Rotation.from_matrix(rotation).as_rotvec()
    shortest = np.cross(line, moved)
    np.testing.assert_allclose(np.cross(vector, shortest), 0, atol=1e-6)
    assert vector @ shortest > 0


def test_weak_prior_still_follows_the_tilt_of_a_line() -> None:
    heights = np.linspace(-60, 60, 5)[:, None]
    tilted = np.array([0, np.sin(0.2), np.cos(0.2)])
    motion = Pose.fit(heights * [0, 0, 1], heights * tilted, stiffness_mm2=150.0)
    np.testing.assert_allclose(motion.apply([0, 0, 60]), 60 * tilted, atol=0.5)


@given(st.tuples(*[st.floats(-1000, 1000)] * 3), st.tuples(*[st.floats(-1000, 1000)] * 3))
@settings(max_examples=30, deadline=None)
def test_prior_makes_a_single_point_a_pure_translation(
    source: tuple[float, ...], target: tuple[float, ...]
) -> None:
    motion = Pose.fit([source], [target], stiffness_mm2=150.0)
    np.testing.assert_allclose(motion.rotation, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(motion.translation_mm, np.subtract(target, source), atol=1e-9)


def _move(transform: sitk.Transform, points: Array) -> Array:
    return np.array([transform.TransformPoint(p) for p in points.tolist()])


@given(motions(), st.tuples(*[st.floats(-10_000, 10_000)] * 3), seeds)
@settings(max_examples=60, deadline=None)
def test_sitk_transform_moves_points_as_the_matrix_does(
    motion: Pose, center: tuple[float, ...], seed: int
) -> None:
    points = _cloud(seed, 4) + center
    assume(abs(motion.rotation[2, 1]) < 1 - 1e-9)  # the next test
    np.testing.assert_allclose(_move(motion.to_sitk(center), points), motion.apply(points), atol=1e-6)


def test_sitk_transform_of_a_quarter_turn_about_x() -> None:
    motion = Pose.from_rotation([np.pi / 2, 0, 0], [1, 2, 3])
    np.testing.assert_allclose(_move(motion.to_sitk(), _cloud(0)), motion.apply(_cloud(0)), atol=1e-6)


@pytest.mark.parametrize("turn", [[0.1, -0.2, 0.3], [0, np.pi / 2, 0], [0, 0, np.pi / 2], [0.3, 3.0, -0.2]])
def test_a_written_transform_reads_back_as_the_same_motion(turn: list[float], tmp_path: Path) -> None:
    motion = Pose.from_rotation(turn, [12.5, -30, 8], [5, 6, 7])
    sitk.WriteTransform(motion.to_sitk([100, -50, 20]), str(tmp_path / "pose.tfm"))
    again = sitk.ReadTransform(str(tmp_path / "pose.tfm"))
    np.testing.assert_allclose(_move(again, _cloud(0)), motion.apply(_cloud(0)), atol=1e-6)


@given(motions(largest_deg=170))
@settings(max_examples=30, deadline=None)
def test_mean_of_equal_motions_is_that_motion(motion: Pose) -> None:
    np.testing.assert_allclose(Pose.mean([motion] * 3, [10, 20, 30]).matrix, motion.matrix, atol=1e-7)


def test_opposite_turns_about_the_center_average_to_nothing() -> None:
    turns = [Pose.from_rotation(np.array([0.1, 0.2, -0.3]) * s, [0, 0, 0], [5, 6, 7]) for s in (-1, 1)]
    np.testing.assert_allclose(Pose.mean(turns, [5, 6, 7]).matrix, np.eye(4), atol=1e-9)


@given(directions, st.floats(0, 179))
@settings(max_examples=30, deadline=None)
def test_angle_in_degrees(axis: tuple[float, ...], degrees: float) -> None:
    vector = np.radians(degrees) * np.array(axis) / np.linalg.norm(axis)
    assert Pose.from_rotation(vector, [1, 2, 3]).angle_deg == pytest.approx(degrees, abs=1e-6)


def test_errors_of_turn_along_a_spine_do_not_swing_its_ends_in_the_nearest_motion() -> None:
    rng = np.random.default_rng(3)
    points = {n: rng.uniform(-20, 20, (8, 3)) + np.array([0, 0, 30.0 * n]) for n in range(20)}
    true = Pose.from_rotation([0.1, -0.05, 0.2], [5, -3, 8])
    turned = {
        n: Pose.from_rotation([0.06, 0, 0], [0, 0, 0], true.apply(p.mean(0))) @ true
        for n, p in points.items()
    }
    found = Pose.nearest(turned, points)
    ends = np.concatenate([points[0], points[19]])
    assert np.linalg.norm(found.apply(ends) - true.apply(ends), axis=1).max() < 1.0
