"""Gated fusion of two velocity fields (Gao and Zheng 2022, section 2.1.3 and figure 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GatedFusion(nn.Module):
    """One velocity field from two.

    A convolution of both gives a weight for each at every voxel; a second convolution joins the weighted
    fields. The paper is silent about the kernels (here 3x3x3), about the weights' range (here a sigmoid's,
    0 to 1, one weight for all components of a vector) and about the start (here the sum of fields with
    weights 1/2, so their mean).
    """

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Conv3d(6, 2, 3, padding=1)
        self.join = nn.Conv3d(6, 3, 3, padding=1, bias=False)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(torch.as_tensor(self.gates.bias))
        nn.init.zeros_(self.join.weight)
        with torch.no_grad():
            self.join.weight[:, :, 1, 1, 1] = torch.eye(3).repeat(1, 2)

    def forward(self, cross: Tensor, own: Tensor) -> Tensor:
        """Velocity (B, 3, Z, Y, X) of the fields from the cross- and from the self-attention, same shape."""
        weights = torch.sigmoid(self.gates(torch.cat([cross, own], 1)))
        fused: Tensor = self.join(torch.cat([weights[:, :1] * cross, weights[:, 1:] * own], 1))
        return fused
