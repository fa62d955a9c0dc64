"""A displacement as it is, made a deformation: nothing is rigid but what lies beyond its grid."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.windows import border_window
from .deformation import Deformation
from .inversion import invert_displacement

FADES_MM = 14.0
"""Over this distance the displacement fades to zero at the end of its grid."""


def deformation_of_field(
    displacement: torch.Tensor,
    grid: Grid,
    poses: Mapping[int, Pose],
    global_rigid: Pose,
    resolution_mm: float = 0.0,
) -> Deformation:
    """The deformation that a displacement is, folds included, and its inverse as far as it has one.

    Args:
        displacement: (z, y, x, 3) LPS mm on `grid`, MR → CT after the global rigid motion.
        grid: isotropic, in the MR frame, along LPS, with odd sizes (`spine_box`).
        poses: CT→MR in LPS mm, the rigid motion nearest to the displacement in every vertebra.
        global_rigid: CT→MR in LPS mm.
        resolution_mm: the stored displacements are rounded to this, so that their files compress well.
    """
    back = _rounded(displacement * border_window(grid, FADES_MM)[..., None], resolution_mm)
    forth = _rounded(invert_displacement(back, grid), resolution_mm)
    return Deformation(
        global_rigid=global_rigid,
        poses=dict(poses),
        box=grid,
        mr_to_ct_field=back.numpy(),
        ct_to_mr_field=forth.numpy(),
        contact={},
        overlap={},
    )


def _rounded(displacement: torch.Tensor, resolution_mm: float) -> torch.Tensor:
    return (displacement / resolution_mm).round() * resolution_mm if resolution_mm else displacement
