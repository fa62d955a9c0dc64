"""A batch together with what a network made of it: what losses and measures look at."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import InputError
from ...network.integration import voxel_indices, warp
from ...network.motion import Motion
from ..losses.rigidity import jacobian
from .aligned_pairs import aligned_ct, aligned_mr
from .batch import Batch

INPUTS = {"displacement": "the true displacement", "fixed_labels": "vertebra labels of the MR"}
"""In words, what a batch may lack."""


class Outcome:
    """A batch and a motion on one grid; what several losses share is computed once.

    Everything is on the grid of the motion's displacement, which lacks the motion's margin.

    Args:
        batch: what the network saw.
        motion: what it gave.
        spacing_mm: of the grid.
    """

    def __init__(self, batch: Batch, motion: Motion, spacing_mm: float) -> None:
        self.batch, self.motion, self.spacing_mm = batch, motion, spacing_mm
        self.displacement = motion.displacement

    def inner(self, values: Tensor) -> Tensor:
        """An array of the batch without the motion's margin."""
        m = self.motion.margin
        return functional.pad(values, [-m] * 6) if m else values

    def needed(self, name: str) -> Tensor:
        """An array that not every batch has, without the motion's margin.

        Raises:
            InputError: the patients lack it.
        """
        return self.inner(self._whole(name))

    def _whole(self, name: str, alternative: str = "") -> Tensor:
        values: Tensor | None = getattr(self.batch, name)
        if values is None:
            raise InputError(
                f"The recipe's losses need {alternative}{INPUTS[name]}, which the patients here lack; "
                "choose another recipe."
            )
        return values

    def warp(self, values: Tensor, mode: str = "bilinear") -> Tensor:
        """An array (B, C, Z, Y, X) of the CT's frame, margin included, pulled to the MR's frame."""
        values = values.to(self.displacement.dtype)
        return warp(values, self.displacement, self.spacing_mm, mode, self.motion.margin)

    @cached_property
    def fixed(self) -> Tensor:
        """MR (B, 1, Z, Y, X) in [0, 1]."""
        return self.inner(self.batch.fixed)

    @cached_property
    def warped(self) -> Tensor:
        """CT (B, 1, Z, Y, X) in [0, 1], pulled to the MR's frame."""
        return self.warp(self.batch.moving)

    @cached_property
    def weight(self) -> Tensor:
        """How far each voxel counts, (B, 1, Z, Y, X)."""
        return self.inner(self.batch.weight)

    @cached_property
    def common(self) -> Tensor:
        """The weight where the motion stays on the CT's grid, else 0, (B, 1, Z, Y, X); no gradient.

        Beyond the border nothing can be compared: counted there, the true motion of a small crop is worse
        than one that stays inside.
        """
        with torch.no_grad():
            indices = voxel_indices(self.displacement.shape[2:], self.displacement) + self.motion.margin
            places = indices + self.displacement.permute(0, 2, 3, 4, 1) / self.spacing_mm
            last = places.new_tensor(self.batch.moving.shape[:1:-1]) - 1
            inside = ((places >= 0) & (places <= last)).all(-1)[:, None]
            return self.weight * inside

    @cached_property
    def bone(self) -> Tensor:
        """1 in the vertebrae of the MR, (B, 1, Z, Y, X)."""
        return (self.needed("fixed_labels") > 0).to(self.displacement.dtype)

    @cached_property
    def warped_labels(self) -> Tensor:
        """Labels (B, 1, Z, Y, X) of the CT in the MR's frame, by the nearest voxel; no gradient."""
        with torch.no_grad():
            return self.warp(self.batch.labels, "nearest")

    @cached_property
    def aligned_ct(self) -> Tensor:
        """CT (B, 1, Z, Y, X) in [0, 1] in the MR's frame: of a pre-aligned pair, or by the true motion."""
        if self.batch.ct_in_mr is not None:
            return self.inner(self.batch.ct_in_mr)
        true = self._whole("displacement", "'ct_in_mr' and 'mr_in_ct' of pre-aligned pairs or ")
        return self.inner(aligned_ct(self.batch.moving, true, self.spacing_mm))

    @cached_property
    def warped_aligned_mr(self) -> Tensor:
        """MR (B, 1, Z, Y, X) in [0, 1] that lies in the CT's frame, see `aligned_ct`, pulled back by ours."""
        if self.batch.mr_in_ct is not None:
            return self.warp(self.batch.mr_in_ct)
        true = self._whole("displacement", "'ct_in_mr' and 'mr_in_ct' of pre-aligned pairs or ")
        return self.warp(aligned_mr(self.batch.fixed, true, self.spacing_mm))

    @cached_property
    def affine_stage(self) -> Outcome:
        """What the network's affine stage alone gives.

        Raises:
            InputError: the network has none.
        """
        if self.motion.affine is None:
            raise InputError(
                "The recipe's losses need a network with an affine stage; remove the losses named affine_... "
                "and deformation_smoothness, or choose another network."
            )
        motion = replace(self.motion, displacement=self.motion.affine, velocity=None, affine=None)
        return Outcome(self.batch, motion, self.spacing_mm)

    @cached_property
    def jacobian(self) -> Tensor:
        """Jacobian matrices (B, Z, Y, X, 3, 3) of the motion."""
        return jacobian(self.displacement, self.spacing_mm)
