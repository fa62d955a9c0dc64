"""What the network says of a case: the displacement on its grid, and the pose of every vertebra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from .blocks import predict_velocity
from .integration import displacement_of
from .pieces import whole_displacement
from .preprocessing import scale_ct, scale_mr
from .runtime import LoadedNetwork
from .torch_network import DisplacementNetwork

MARGIN_MM = 24.0
"""Of a network's grid around the bones."""
LEAST_POINTS = 30
"""On the network's grid; of fewer no pose is fitted."""


def predict_displacement(network: LoadedNetwork, mr: NDArray[Any], ct: NDArray[Any]) -> torch.Tensor:
    """The network's `mr_to_ct` less the identity, (z, y, x, 3) mm along the grid's axes.

    Args:
        network: a loaded network.
        mr: (z, y, x) on a grid of the network's spacing.
        ct: (z, y, x) HU on the same grid, brought there by what is known so far.
    """
    if isinstance(network, DisplacementNetwork):
        return torch.from_numpy(whole_displacement(network, scale_mr(mr), scale_ct(ct)))
    velocity = predict_velocity(network, scale_mr(mr), scale_ct(ct))
    field = displacement_of(torch.from_numpy(velocity).permute(3, 0, 1, 2)[None], network.card.spacing_mm)
    nz, ny, nx = mr.shape
    return field[0].permute(1, 2, 3, 0)[:nz, :ny, :nx].contiguous()


def poses_from_displacement(
    displacement: torch.Tensor,
    grid: Grid,
    bones: Mapping[int, NDArray[Any]],
    motions: Mapping[int, Pose],
    global_rigid: Pose,
) -> dict[int, Pose]:
    """Rigid CT→MR pose (LPS mm) of each vertebra that fits a displacement best in its bone.

    Args:
        displacement: (z, y, x, 3) mm on `grid`, MR → CT after the global rigid motion.
        grid: in the MR frame.
        bones: LPS points (n, 3) of each vertebra in the CT; one of too few points is left out.
        motions: about where each vertebra moves, CT→MR in LPS mm.
        global_rigid: CT→MR in LPS mm.
    """
    return {
        number: Pose.fit(points, carried(displacement, grid, points, motions[number], global_rigid))
        for number, points in bones.items()
        if len(points) >= LEAST_POINTS
    }


def carried(
    displacement: torch.Tensor, grid: Grid, points: NDArray[Any], motion: Pose, global_rigid: Pose
) -> NDArray[np.float64]:
    """Where a displacement takes CT points, LPS mm (n, 3); see `poses_from_displacement`."""
    goal, moved = (
        torch.tensor((m.apply(points) - grid.origin_mm) @ grid.axes, dtype=torch.float32)
        for m in (global_rigid, motion)
    )
    for _ in range(6):
        moved = goal - sample_field(displacement, moved, grid.spacing_mm[0])
    found: NDArray[np.float64] = moved.double().numpy() @ grid.axes.T + grid.origin_mm
    return found
