"""Rigid motions as 4x4 matrices, their logarithms, and least-squares fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Rigid = NDArray[Any]
"""A 4x4 float64 matrix: rotation and translation in LPS mm."""


def apply(matrix: ArrayLike, points: ArrayLike) -> NDArray[Any]:
    """Points (..., 3) moved by a 4x4 matrix."""
    m = np.asarray(matrix, float)
    return np.asarray(points, float) @ m[:3, :3].T + m[:3, 3]


def inverse(matrix: Rigid) -> Rigid:
    """The inverse rigid motion."""
    result = np.eye(4)
    result[:3, :3] = matrix[:3, :3].T
    result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return result


def from_rotation(rotation_vector: ArrayLike, translation: ArrayLike, center: ArrayLike = (0, 0, 0)) -> Rigid:
    """Rotation by a vector (radians) about `center` followed by a translation in mm."""
    result = np.eye(4)
    rotation = Rotation.from_rotvec(np.asarray(rotation_vector, float)).as_matrix()
    pivot = np.asarray(center, float)
    result[:3, :3] = rotation
    result[:3, 3] = np.asarray(translation, float) + pivot - rotation @ pivot
    return result


def _hat(vector: NDArray[Any]) -> NDArray[Any]:
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def log(matrix: Rigid) -> NDArray[Any]:
    """Matrix logarithm (4, 4) of a rigid motion, for rotations below 180 degrees (closed form)."""
    vector = Rotation.from_matrix(matrix[:3, :3]).as_rotvec()
    angle = float(np.linalg.norm(vector))
    twist = _hat(vector)
    squared = 1 / 12 if angle < 1e-4 else (1 - angle * np.sin(angle) / (2 * (1 - np.cos(angle)))) / angle**2
    result = np.zeros((4, 4))
    result[:3, :3] = twist
    result[:3, 3] = (np.eye(3) - twist / 2 + squared * twist @ twist) @ matrix[:3, 3]
    return result


def exp(logarithm: NDArray[Any]) -> Rigid:
    """The rigid motion of a matrix logarithm (4, 4) (Rodrigues' formula)."""
    twist = logarithm[:3, :3]
    vector = np.array([twist[2, 1], twist[0, 2], twist[1, 0]])
    angle = float(np.linalg.norm(vector))
    first, second = 0.5, 1 / 6
    if angle >= 1e-4:
        first, second = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
    result = np.eye(4)
    result[:3, :3] = Rotation.from_rotvec(vector).as_matrix()
    result[:3, 3] = (np.eye(3) + first * twist + second * twist @ twist) @ logarithm[:3, 3]
    return result


def mean(matrices: list[Rigid], center: ArrayLike) -> Rigid:
    """The average motion: chordal mean of the rotations, mean displacement of `center`."""
    rotation = Rotation.from_matrix([m[:3, :3] for m in matrices]).mean().as_matrix()
    pivot = np.asarray(center, float)
    result = np.eye(4)
    result[:3, :3] = rotation
    result[:3, 3] = np.mean([apply(m, pivot) for m in matrices], 0) - rotation @ pivot
    return result


def nearest(motions: Mapping[int, Rigid], points: Mapping[int, NDArray[Any]]) -> Rigid:
    """The rigid motion that is nearest to several, by least squares at the points (n, 3) of each."""
    moved = [apply(motion, points[key]) for key, motion in motions.items()]
    return fit(np.concatenate([points[key] for key in motions]), np.concatenate(moved))


def fit(
    source: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None, stiffness_mm2: float = 0.0
) -> Rigid:
    """Weighted least-squares rigid motion taking `source` (n, 3) to `target` (n, 3).

    `stiffness_mm2` is a prior that pulls the rotation towards none: it acts like extra points at
    that summed squared distance on every axis which do not rotate, so it decides only what the
    points leave open (the rotation about a line of centroids; all of it for a single point).
    Kabsch's SVD solution (Sorkine-Hornung 2017) of the points with the prior in the covariance.
    """
    p, q = np.asarray(source, float), np.asarray(target, float)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    w = w / w.sum() * len(p)
    p_mean, q_mean = np.average(p, 0, w), np.average(q, 0, w)
    covariance = (p - p_mean).T @ ((q - q_mean) * w[:, None]) + stiffness_mm2 * np.eye(3)
    u, _, vt = np.linalg.svd(covariance)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))])
    result = np.eye(4)
    result[:3, :3] = vt.T @ flip @ u.T
    result[:3, 3] = q_mean - result[:3, :3] @ p_mean
    return result


def distance_mm(first: Rigid, second: Rigid, point: ArrayLike) -> float:
    """How far apart two motions take a point."""
    return float(np.linalg.norm(apply(first, point) - apply(second, point)))


def angle_deg(matrix: Rigid) -> float:
    """Rotation angle in degrees."""
    return float(np.degrees(np.linalg.norm(Rotation.from_matrix(matrix[:3, :3]).as_rotvec())))


def to_sitk(matrix: Rigid, center: ArrayLike = (0, 0, 0)) -> sitk.Euler3DTransform:
    """The SimpleITK transform that maps points exactly as `matrix` does.

    Euler angles, because they are what MRML is known to read inside a composite.
    """
    rotation = np.clip(Rotation.from_matrix(matrix[:3, :3]).as_matrix(), -1, 1)
    pivot = np.asarray(center, float)
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(v) for v in pivot])
    transform.SetMatrix([float(v) for v in rotation.ravel()], 1e-6)
    transform.SetTranslation([float(v) for v in matrix[:3, 3] + rotation @ pivot - pivot])
    return transform


def from_sitk(transform: sitk.Transform) -> Rigid:
    """The matrix of a linear SimpleITK transform."""
    result = np.eye(4)
    result[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    for axis, unit in enumerate(np.eye(3).tolist()):
        result[:3, axis] = np.array(transform.TransformPoint(unit)) - result[:3, 3]
    return result
