"""Tissue values at points, painted from the back to the front."""

from __future__ import annotations

import torch

from .tissue import INDEX


class Canvas:
    """Points and what is painted there so far, with soft membership at the edges.

    Attributes:
        points: (3, n) float32 LPS mm in the posture of the anatomy.
        values: (k, n) float32, one row per contrast.
        labels: (n,) uint8 VerSe numbers.
        softness_mm: width of an edge.
    """

    def __init__(self, points: torch.Tensor, contrasts: torch.Tensor, softness_mm: float) -> None:
        self.points = points
        self.contrasts = contrasts
        self.softness_mm = softness_mm
        self.values = contrasts[INDEX["air"]][:, None].repeat(1, points.shape[1])
        self.labels = torch.zeros(points.shape[1], dtype=torch.uint8, device=points.device)

    def share(self, distance: torch.Tensor) -> torch.Tensor:
        """Share (n,) of a voxel that lies inside, from the signed distance in mm."""
        return (0.5 - distance / self.softness_mm).clamp(0, 1)

    def paint(
        self,
        share: torch.Tensor,
        tissue: str,
        where: torch.Tensor | None = None,
        gain: torch.Tensor | None = None,
    ) -> None:
        """Cover `share` of each point (of those at indices `where`) with a tissue.

        Contrasts in which the tissue is not a number keep what they show.
        """
        color = self.contrasts[INDEX[tissue]][:, None]
        old = self.values if where is None else self.values[:, where]
        values = color if gain is None else color * gain
        painted = torch.where(color.isnan(), old, old + share * (values - old))
        if where is None:
            self.values = painted
        else:
            self.values[:, where] = painted
