"""Pre-aligned pairs (Cao et al. 2018): each image's counterpart of the other modality, by the true motion.

The paper's counterparts come from a registration with manual labels; ours are exact, because the motion of
synthetic patients is known.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...network.integration import warp

ITERATIONS = 12


@torch.no_grad()
def aligned_ct(moving: Tensor, displacement: Tensor, spacing_mm: float) -> Tensor:
    """The CT in the frame of the MR, (B, 1, Z, Y, X): the counterpart of the MR.

    Args:
        moving: CT (B, 1, Z, Y, X).
        displacement: true `mr_to_ct` less the identity, (B, 3, Z, Y, X) in mm along the axes (x, y, z).
        spacing_mm: of the isotropic grid.
    """
    return warp(moving, displacement, spacing_mm)


@torch.no_grad()
def aligned_mr(fixed: Tensor, displacement: Tensor, spacing_mm: float) -> Tensor:
    """The MR in the frame of the CT, (B, 1, Z, Y, X): the counterpart of the CT.

    The motion is inverted by fixed-point iteration (Chen et al. 2008). What it brings from beyond the grid
    continues the border. Arguments as for `aligned_ct`, with the MR as `fixed`.
    """
    inverse = -displacement
    for _ in range(ITERATIONS):
        inverse = -warp(displacement, inverse, spacing_mm)
    return warp(fixed, inverse, spacing_mm)
