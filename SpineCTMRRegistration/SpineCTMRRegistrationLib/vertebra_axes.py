"""The axes of vertebrae that were moved to the MR, for looking along them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORTEST_ARM_MM = 3.0
"""Body centre and bone centroid nearer than this do not tell where anterior is (a body without its arch)."""
RIGHT, ANTERIOR, SUPERIOR = np.eye(3)


def vertebra_axes(
    centers: Mapping[str, ArrayLike],
    centroids: Mapping[str, ArrayLike],
    cut: Collection[str] = (),
) -> dict[str, NDArray[Any]]:
    """Right, anterior and superior axes of vertebrae as columns (3, 3), RAS.

    Superior is the tangent of the curve through the body centres. Anterior points from the centroid
    of the whole bone, which lies near the canal, to the body centre; both are in the mid-sagittal
    plane because a vertebra is symmetric. Of a bone that is cut by the end of its image the centroid
    says nothing, nor the curve whether it leans to a side: it takes its right from the nearest whole
    bones, or from the patient if there are none.

    Args:
        centers: body centres in RAS mm, cranial to caudal.
        centroids: centroids of the whole bones in RAS mm; one that is missing counts as cut.
        cut: names of bones that are cut.
    """
    names = list(centers)
    points = np.array([centers[name] for name in names], float).reshape(-1, 3)
    tangents = _tangents(points)
    rights: list[NDArray[Any] | None] = [
        None
        if name in cut or name not in centroids
        else _right(superior, center - np.asarray(centroids[name]))
        for name, center, superior in zip(names, points, tangents, strict=True)
    ]
    return {name: _frame(_nearest(rights, i), tangents[i], rights[i] is None) for i, name in enumerate(names)}


def _tangents(points: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Unit tangents (n, 3), caudal to cranial, of second order at the ends too."""
    if len(points) < 2:
        return [SUPERIOR] * len(points)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-3))])
    slopes = -np.gradient(points, along, axis=0, edge_order=2 if len(points) > 2 else 1)
    return slopes / np.linalg.norm(slopes, axis=1, keepdims=True)


def _right(superior: NDArray[Any], arm: NDArray[Any]) -> NDArray[Any] | None:
    """To the right of a vertebra whose body lies at the end of `arm`; None if the arm is too short."""
    anterior = arm - superior * (superior @ arm)
    length = np.linalg.norm(anterior)
    return None if length < SHORTEST_ARM_MM else np.cross(anterior / length, superior)


def _nearest(rights: Sequence[NDArray[Any] | None], index: int) -> NDArray[Any]:
    """The right of a vertebra, or the mean of the nearest ones that are known; the patient's if none is."""
    known = {i: right for i, right in enumerate(rights) if right is not None}
    if not known:
        return RIGHT
    distance = min(abs(i - index) for i in known)
    return np.mean([right for i, right in known.items() if abs(i - index) == distance], axis=0)


def _frame(right: NDArray[Any], tangent: NDArray[Any], keep_right: bool) -> NDArray[Any]:
    """The axes nearest to these two; `keep_right` says which of them holds where they are not orthogonal."""
    right = right / np.linalg.norm(right)
    if keep_right:
        superior = tangent - right * (right @ tangent)
        superior = superior / np.linalg.norm(superior)
    else:
        superior = tangent
    return np.stack([right, np.cross(superior, right), superior], axis=1)
