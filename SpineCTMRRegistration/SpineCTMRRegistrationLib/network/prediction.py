"""What the network says of a case: the displacement on its grid, and the pose of every vertebra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..alignment import rigid
from ..deformation.inversion import sample_vectors
from ..imaging.case import Case
from ..imaging.grid import Grid
from .blocks import predict_velocity
from .integration import displacement_of
from .pieces import whole_displacement
from .preprocessing import scale_ct, scale_mr
from .runtime import DisplacementNetwork, LoadedNetwork


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
    labels: NDArray[Any],
    global_rigid: rigid.Rigid,
    numbers: Sequence[int],
) -> dict[int, rigid.Rigid]:
    """Rigid CT→MR pose (LPS mm) of each vertebra that fits a displacement best in its bone.

    Args:
        displacement: (z, y, x, 3) mm on `grid`, MR → CT after the global rigid motion.
        grid: in the MR frame.
        labels: (z, y, x) CT vertebra numbers on `grid` after the global rigid motion.
        global_rigid: CT→MR in LPS mm.
        numbers: the vertebrae wanted; one with too little bone on the grid is left out.
    """
    poses = {}
    for number in numbers:
        voxels = np.argwhere(labels == number)[:, ::-1]
        if len(voxels) < 30:
            continue
        local = torch.tensor(voxels * np.array(grid.spacing_mm), dtype=torch.float32)
        moved = local.clone()
        for _ in range(6):
            moved = local - sample_vectors(displacement, moved, grid.spacing_mm[0])
        shift = (moved - local).double().numpy() @ grid.axes.T
        source = grid.to_points(voxels)
        poses[number] = rigid.fit(source, source + shift) @ global_rigid
    return poses


def on_grid(
    image: sitk.Image,
    grid: Grid,
    transform: sitk.Transform,
    fill: float,
    interpolator: int = sitk.sitkLinear,
) -> NDArray[Any]:
    """An image (z, y, x) float32 resampled on a grid through a transform of its points."""
    resampled = sitk.Resample(image, grid.empty(), transform, interpolator, fill, sitk.sitkFloat32)
    return np.asarray(sitk.GetArrayFromImage(resampled))


def case_on_grid(case: Case, grid: Grid, to_ct: sitk.Transform) -> tuple[NDArray[Any], NDArray[Any]]:
    """MR and CT (z, y, x) on a grid of the MR frame, the CT through a transform of its points."""
    return on_grid(case.mr, grid, sitk.Transform(), 0.0), on_grid(case.ct, grid, to_ct, -1000.0)
