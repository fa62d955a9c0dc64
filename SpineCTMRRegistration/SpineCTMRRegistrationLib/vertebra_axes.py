"""The axes of vertebrae that were moved to the MR, for looking along them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORTEST_ARM_MM = 3.0
"""Body centre and bone centroid nearer than this do not tell where anterior is (a body without its arch)."""
SUPERIOR, ANTERIOR = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


def vertebra_axes(
    centers: Mapping[str, ArrayLike], centroids: Mapping[str, ArrayLike]
) -> dict[str, NDArray[Any]]:
    """Right, anterior and superior axes of vertebrae as columns (3, 3), RAS.

    Superior is the tangent of the curve through the body centres. Anterior points from the centroid
    of the whole bone, which lies near the canal, to the body centre; both are in the mid-sagittal
    plane because a vertebra is symmetric.

    Args:
        centers: body centres in RAS mm, cranial to caudal.
        centroids: centroids of the whole bones in RAS mm; the patient's axes help where one is missing.
    """
    points = np.array([centers[name] for name in centers], float).reshape(-1, 3)
    return {
        name: _frame(superior, center - np.asarray(centroids.get(name, center), float))
        for name, center, superior in zip(centers, points, _tangents(points), strict=True)
    }


def _tangents(points: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Unit tangents (n, 3), caudal to cranial, of second order at the ends too."""
    if len(points) < 2:
        return [SUPERIOR] * len(points)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-3))])
    slopes = -np.gradient(points, along, axis=0, edge_order=2 if len(points) > 2 else 1)
    return slopes / np.linalg.norm(slopes, axis=1, keepdims=True)


def _frame(superior: NDArray[Any], arm: NDArray[Any]) -> NDArray[Any]:
    anterior = arm - superior * (superior @ arm)
    if np.linalg.norm(anterior) < SHORTEST_ARM_MM:
        anterior = ANTERIOR - superior * (superior @ ANTERIOR)
    anterior /= np.linalg.norm(anterior)
    return np.stack([np.cross(anterior, superior), anterior, superior], axis=1)
