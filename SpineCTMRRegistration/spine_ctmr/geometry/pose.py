"""Rigid motions: their logarithms, means and least-squares fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

NEARLY = 1e-4
"""How far a rotation that went through single precision or a text file may be from orthogonal."""


@dataclass(frozen=True, eq=False)
class Pose:
    """A rigid motion of points in LPS mm; the variable that holds it names the direction.

    A vertebra's pose and the global motion go CT→MR, a `frame` goes from local coordinates to LPS.
    `a @ b` moves by `b` first.

    Attributes:
        matrix: (4, 4) float64, rotation and translation, read-only.
    """

    matrix: NDArray[Any]

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, np.float64)
        if matrix.shape != (4, 4):
            raise ValueError(f"A pose is a (4, 4) matrix, not {matrix.shape}.")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @property
    def is_rigid(self) -> bool:
        """Whether it turns and shifts alone, to float32 precision: no scale, shear, mirror or NaN."""
        turned = self.rotation.T @ self.rotation
        return (
            bool(np.isfinite(self.matrix).all())
            and float(np.abs(turned - np.eye(3)).max()) < NEARLY
            and float(np.linalg.det(self.rotation)) > 0
        )

    @classmethod
    def identity(cls) -> Pose:
        """The motion that leaves every point where it is."""
        return cls(np.eye(4))

    @classmethod
    def of(cls, rotation: ArrayLike, translation: ArrayLike) -> Pose:
        """Rotation matrix (3, 3) about the origin, followed by a translation in mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = translation
        return cls(matrix)

    @classmethod
    def from_rotation(
        cls, rotation_vector: ArrayLike, translation: ArrayLike, center: ArrayLike = (0, 0, 0)
    ) -> Pose:
        """Rotation by a vector (radians) about `center` followed by a translation in mm."""
        rotation = Rotation.from_rotvec(np.asarray(rotation_vector, float)).as_matrix()
        pivot = np.asarray(center, float)
        return cls.of(rotation, np.asarray(translation, float) + pivot - rotation @ pivot)

    @classmethod
    def from_sitk(cls, transform: sitk.Transform) -> Pose:
        """The motion of a linear SimpleITK transform, point to point."""
        shift = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
        columns = [np.array(transform.TransformPoint(unit)) - shift for unit in np.eye(3).tolist()]
        return cls.of(np.stack(columns, 1), shift)

    @classmethod
    def exp(cls, logarithm: NDArray[Any]) -> Pose:
        """The rigid motion of a matrix logarithm (4, 4) (Rodrigues' formula)."""
        twist = logarithm[:3, :3]
        vector = np.array([twist[2, 1], twist[0, 2], twist[1, 0]])
        angle = float(np.linalg.norm(vector))
        first, second = 0.5, 1 / 6
        if angle >= 1e-4:
            first, second = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
        rotation = Rotation.from_rotvec(vector).as_matrix()
        return cls.of(rotation, (np.eye(3) + first * twist + second * twist @ twist) @ logarithm[:3, 3])

    @classmethod
    def mean(cls, poses: Sequence[Pose], center: ArrayLike) -> Pose:
        """The average motion: chordal mean of the rotations, mean displacement of `center`."""
        rotation = Rotation.from_matrix([p.rotation for p in poses]).mean().as_matrix()
        pivot = np.asarray(center, float)
        return cls.of(rotation, np.mean([p.apply(pivot) for p in poses], 0) - rotation @ pivot)

    @classmethod
    def nearest(cls, motions: Mapping[int, Pose], points: Mapping[int, NDArray[Any]]) -> Pose:
        """The rigid motion that is nearest to several, by least squares at the points (n, 3) of each."""
        moved = [motion.apply(points[key]) for key, motion in motions.items()]
        return cls.fit(np.concatenate([points[key] for key in motions]), np.concatenate(moved))

    @classmethod
    def fit(
        cls,
        source: ArrayLike,
        target: ArrayLike,
        weights: ArrayLike | None = None,
        stiffness_mm2: float = 0.0,
    ) -> Pose:
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
        rotation = vt.T @ flip @ u.T
        return cls.of(rotation, q_mean - rotation @ p_mean)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Rotation matrix, (3, 3)."""
        return self.matrix[:3, :3]

    @property
    def translation_mm(self) -> NDArray[np.float64]:
        """Where the origin goes, (3,): the origin of a frame."""
        return self.matrix[:3, 3]

    @property
    def inverse(self) -> Pose:
        """The motion back."""
        return Pose.of(self.rotation.T, -self.rotation.T @ self.translation_mm)

    @property
    def log(self) -> NDArray[np.float64]:
        """Matrix logarithm (4, 4), for rotations below 180 degrees (closed form)."""
        vector = Rotation.from_matrix(self.rotation).as_rotvec()
        angle = float(np.linalg.norm(vector))
        twist = _hat(vector)
        squared = (
            1 / 12 if angle < 1e-4 else (1 - angle * np.sin(angle) / (2 * (1 - np.cos(angle)))) / angle**2
        )
        result = np.zeros((4, 4))
        result[:3, :3] = twist
        result[:3, 3] = (np.eye(3) - twist / 2 + squared * twist @ twist) @ self.translation_mm
        return result

    @property
    def angle_deg(self) -> float:
        """Rotation angle in degrees."""
        return float(np.degrees(np.linalg.norm(Rotation.from_matrix(self.rotation).as_rotvec())))

    def __matmul__(self, other: Pose) -> Pose:
        return Pose(self.matrix @ other.matrix)

    def apply(self, points: ArrayLike) -> NDArray[Any]:
        """Points (..., 3) moved."""
        return np.asarray(points, float) @ self.rotation.T + self.translation_mm

    def distance_mm(self, other: Pose, point: ArrayLike) -> float:
        """How far apart two motions take a point."""
        return float(np.linalg.norm(self.apply(point) - other.apply(point)))

    def to_sitk(self, center: ArrayLike = (0, 0, 0)) -> sitk.Euler3DTransform:
        """The SimpleITK transform that maps points exactly as this motion does, turning about `center`.

        Euler angles, because they are what MRML is known to read inside a composite.
        """
        rotation = np.clip(Rotation.from_matrix(self.rotation).as_matrix(), -1, 1)
        pivot = np.asarray(center, float)
        transform = sitk.Euler3DTransform()
        transform.SetCenter([float(v) for v in pivot])
        transform.SetMatrix([float(v) for v in rotation.ravel()], 1e-6)
        transform.SetTranslation([float(v) for v in self.translation_mm + rotation @ pivot - pivot])
        return transform


def _hat(vector: NDArray[Any]) -> NDArray[Any]:
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
