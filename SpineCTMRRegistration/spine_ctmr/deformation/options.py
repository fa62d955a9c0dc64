"""Options of the deformation between the bones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeformationOptions:
    """How motion spreads from the bones into the tissue.

    Attributes:
        spacing_mm: spacing of the stored displacement field.
        close_mm: distance from bone up to which tissue moves with it.
        reach_mm: distance from bone at which the motion has faded to the global rigid one.
        weight_power: a bone's influence falls with its distance to this power.
        steps: time steps of the integration.
        stride: the motion between the bones is integrated at every such node and interpolated.
        resolution_mm: the stored displacement is rounded to this, so that its file compresses well; where
            bone is rigid, `RIGID_REFINEMENT` times finer. 0 leaves it as it is.
        untangling_rounds: how often folds between bones that nearly touch are smoothed.
    """

    spacing_mm: float = 1.0
    close_mm: float = 10.0
    reach_mm: float = 40.0
    weight_power: float = 2.0
    steps: int = 2
    stride: int = 2
    untangling_rounds: int = 10
    resolution_mm: float = 0.0
