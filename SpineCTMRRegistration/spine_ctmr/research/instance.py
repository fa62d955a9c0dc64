"""Instance optimisation: the losses of a recipe, minimised on one patient instead of by a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..errors import InputError
from ..field_registration import NetworkField, View
from ..network.integration import compose, displacement_of
from ..network.motion import Motion
from ..network.preprocessing import scale_ct, scale_mr
from ..network.runtime import LoadedNetwork
from ..progress import Progress
from .training.batch import Batch
from .training.loss_terms import evaluate, total
from .training.outcome import Outcome
from .training.recipe import Recipe

STEPS = 200
STEP_MM = 0.1
"""About what Adam moves a node by in a step, before its neighbours are averaged."""
SMOOTHINGS = 2
"""Means over 3x3x3 nodes, without which every node would follow the noise of its own voxels."""


@dataclass(frozen=True)
class InstanceField:
    """Finds the displacement of one patient that minimises the losses of a recipe.

    Adam moves a stationary velocity at half resolution, whose flow comes before the network's displacement,
    or is all there is without a network. The losses see both together.

    Attributes:
        recipe: with the losses and the spacing; its rigidity terms count from the first step.
        steps: of the optimisation.
        begun: where to begin, if anywhere; on a grid of the recipe's spacing.

    Raises:
        InputError: the network works on another grid.
    """

    recipe: Recipe
    steps: int = STEPS
    begun: NetworkField | None = None

    def __post_init__(self) -> None:
        card = None if self.network is None else self.network.card
        if card is not None and card.spacing_mm != self.spacing_mm:
            raise InputError(
                f"The network '{card.name}' works at {card.spacing_mm:g} mm and the recipe "
                f"'{self.recipe.name}' at {self.spacing_mm:g} mm; choose two of the same spacing."
            )

    @property
    def spacing_mm(self) -> float:
        """See `FieldFinder`."""
        return self.recipe.spacing_mm

    @property
    def network(self) -> LoadedNetwork | None:
        """See `FieldFinder`."""
        return None if self.begun is None else self.begun.network

    @property
    def origin(self) -> str:
        """See `FieldFinder`."""
        begun = "no motion" if self.begun is None else self.begun.origin
        return (
            f"what {self.steps} steps down the losses of {self.recipe.name} made of {begun} on this patient"
        )

    def find(self, view: View, progress: Progress) -> Tensor:
        """See `FieldFinder`.

        Raises:
            InputError: the losses need what one patient does not have, or depend on no motion.
        """
        batch = batch_of(view)
        first = torch.zeros_like(batch.fixed).repeat(1, 3, 1, 1, 1)
        if self.begun is not None:
            first = self.begun.find(view, progress).permute(3, 0, 1, 2)[None]
        found = self._optimised(batch, first, progress)
        return found[0].permute(1, 2, 3, 0).contiguous()

    def _optimised(self, batch: Batch, first: Tensor, progress: Progress) -> Tensor:
        half = [-(-n // 2) for n in first.shape[2:]]
        velocity = torch.zeros(1, 3, *half, requires_grad=True)
        optimiser = torch.optim.Adam([velocity], STEP_MM)
        terms = {**self.recipe.loss, **self.recipe.rigidity}
        for step in range(self.steps):
            progress("instance optimisation", step / self.steps)
            outcome = Outcome(batch, Motion(self._after(velocity, first)), self.spacing_mm)
            loss = total(terms, evaluate(terms, outcome))
            if not loss.requires_grad:
                raise InputError(
                    f"The losses of recipe '{self.recipe.name}' do not depend on the motion; choose another."
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        return self._after(velocity.detach(), first)

    def _after(self, velocity: Tensor, first: Tensor) -> Tensor:
        """The displacement `first` after the flow of a velocity, both in mm."""
        for _ in range(SMOOTHINGS):
            velocity = functional.avg_pool3d(velocity, 3, 1, 1, count_include_pad=False)
        z, y, x = first.shape[2:]
        flow = displacement_of(velocity, self.spacing_mm)[..., :z, :y, :x]
        return compose(first, flow, self.spacing_mm)


def batch_of(view: View) -> Batch:
    """What a training would see of a case."""

    def tensor(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))[None, None]

    return Batch(
        fixed=tensor(scale_mr(view.mr)),
        moving=tensor(scale_ct(view.ct)),
        labels=tensor(view.ct_labels.astype(np.int64)),
        weight=tensor(view.seen.astype(np.float32)),
        fixed_labels=None if view.mr_labels is None else tensor(view.mr_labels.astype(np.int64)),
    )
