"""The start of a bent spine: every vertebra follows what is known around it.

Rigid moving least squares (Schaefer et al. 2006, Image deformation using moving least squares): for each
vertebra the rigid motion that fits all that is known, the more the nearer it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Centroids

PRIOR_STIFFNESS_MM2 = 150.0
"""How firmly the patient's orientation is kept: see `Pose.fit`; 3 mm centroid noise against 8 degrees."""
NEIGHBOURHOOD_MM = 40.0
"""Standard deviation of the weights along the spine: about the distance of two lumbar vertebrae."""
DISTANT_WEIGHT = 1e-3
"""Of what is far away, so that a vertebra far from all that is known follows the whole spine."""
BLEND_MM = 25.0
"""Standard deviation of the weights with which the space between follows the vertebrae."""


def bent_motions(
    ct_centers: Centroids,
    global_rigid: Pose,
    source: Mapping[int, NDArray[Any]],
    target: Mapping[int, NDArray[Any]],
) -> dict[int, Pose]:
    """A CT→MR motion for every vertebra of `ct_centers`.

    Args:
        ct_centers: body centres in the CT, LPS mm.
        global_rigid: CT→MR in LPS mm; its rotation is kept where the points leave it open.
        source: LPS points (k, 3) of some of the vertebrae in the CT.
        target: the same points in the MR.
    """
    owners = [n for n in source for _ in source[n]]
    start = global_rigid.apply(np.concatenate(list(source.values())))
    goal = np.concatenate([target[n] for n in source])
    places = np.array([ct_centers[n] for n in owners])
    motions = {}
    for number, center in ct_centers.items():
        weight = np.exp(-0.5 * np.square(places - center).sum(1) / NEIGHBOURHOOD_MM**2) + DISTANT_WEIGHT
        stiffness = PRIOR_STIFFNESS_MM2 / float(weight.mean())
        motions[number] = Pose.fit(start, goal, weight, stiffness) @ global_rigid
    return motions


def bend_field(
    motions: Mapping[int, Pose], ct_centers: Centroids, global_rigid: Pose, grid: Grid
) -> NDArray[Any]:
    """The smooth displacement B (z, y, x, 3) in LPS mm that the motions of the vertebrae suggest.

    `inverse(global_rigid)(p + B(p))` is the CT point of the MR point p: near a vertebra it follows that
    vertebra's motion, elsewhere the mean of them weighted by the distance from their centres.

    Args:
        motions: CT→MR of each vertebra, LPS mm.
        ct_centers: body centres in the CT, LPS mm.
        global_rigid: CT→MR in LPS mm.
        grid: in the MR frame.
    """
    points = grid.points()
    centers = np.array([motion.apply(ct_centers[n]) for n, motion in motions.items()])
    squares = np.stack([np.square(points - center).sum(-1) for center in centers])
    weights = np.exp(-0.5 * (squares - squares.min(0)) / BLEND_MM**2)
    weights /= weights.sum(0)
    field = np.zeros_like(points)
    for weight, motion in zip(weights, motions.values(), strict=True):
        field += weight[..., None] * ((global_rigid @ motion.inverse).apply(points) - points)
    return field
