"""The losses that recipes can name: each a function of an `Outcome`, its options as keywords."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...similarity.mutual_information import mutual_information, normalised_mutual_information
from ..losses.bending import bending_energy, squared_laplacian
from ..losses.correlation import correlation_loss
from ..losses.dice import dice_loss, masks_of_labels, overlap_loss
from ..losses.displacement import displacement_loss
from ..losses.gradient_fields import gradient_field_distance
from ..losses.local_correlation import local_correlation
from ..losses.mind import mind_loss
from ..losses.rigid_dice import rigid_dice, volume_change
from ..losses.rigidity import orthonormality, properness, rigid_field, rigid_field_distance
from ..losses.smoothness import diffusion
from .outcome import Outcome

EPSILON_MM = 2.0
"""Errors below this count quadratically, so that early training is not held at the median, zero."""


def _displacement(outcome: Outcome, epsilon_mm: float = EPSILON_MM) -> Tensor:
    """Error of the displacement in mm, everywhere; needs the truth."""
    true = outcome.needed("displacement")
    return displacement_loss(outcome.displacement, true, outcome.weight, epsilon_mm)


def _bone_displacement(outcome: Outcome, epsilon_mm: float = EPSILON_MM) -> Tensor:
    """Error of the displacement in mm, in bone; needs the truth."""
    true = outcome.needed("displacement")
    return displacement_loss(outcome.displacement, true, outcome.weight * outcome.bone, epsilon_mm)


def _smoothness(outcome: Outcome) -> Tensor:
    """Diffusion of the velocity field, or of the displacement where there is none."""
    motion = outcome.motion
    if motion.velocity is None:
        return diffusion(motion.displacement, outcome.spacing_mm)
    return diffusion(motion.velocity, motion.velocity_spacing_mm)


def _mind(outcome: Outcome, radius: int = 2, dilation: int = 2) -> Tensor:
    """MIND-SSC difference of the MR and the warped CT, where both are known."""
    return mind_loss(outcome.fixed, outcome.warped, outcome.common, radius, dilation)


def _mutual_information(outcome: Outcome, bins: int = 24) -> Tensor:
    """Mutual information in nats of the MR and the warped CT, negative (van Ulsen 2022, eq. 3.5)."""
    return -mutual_information(outcome.fixed, outcome.warped, outcome.weight, bins)


def _normalised_mutual_information(outcome: Outcome, bins: int = 24) -> Tensor:
    """2 - NMI of the MR and the warped CT, where both are known, from 0 to 1 (Studholme et al. 1999)."""
    return 2 - normalised_mutual_information(outcome.fixed, outcome.warped, outcome.common, bins)


def _gradient_fields(outcome: Outcome, edge: float = 1.0) -> Tensor:
    """Normalised gradient field distance, where both are known (Haber and Modersitzki 2006)."""
    return gradient_field_distance(outcome.fixed, outcome.warped, outcome.common, edge)


def _ct_correlation(outcome: Outcome) -> Tensor:
    """1 - NCC of the warped CT and the CT aligned with the MR (Cao et al. 2018, eq. 2); needs the truth."""
    return correlation_loss(outcome.aligned_ct, outcome.warped, torch.ones_like(outcome.warped))


def _mr_correlation(outcome: Outcome) -> Tensor:
    """1 - NCC of the MR and the warped MR aligned with the CT (Cao et al. 2018, eq. 2); needs the truth."""
    return correlation_loss(outcome.fixed, outcome.warped_aligned_mr, outcome.weight)


def _correlation(outcome: Outcome) -> Tensor:
    """1 - NCC of the MR and the warped CT themselves, where both are known."""
    return correlation_loss(outcome.fixed, outcome.warped, outcome.common)


def _laplacian(outcome: Outcome) -> Tensor:
    """Squared Laplacian of the displacement, mean over the voxels (Cao et al. 2018, eq. 4)."""
    return squared_laplacian(outcome.displacement, outcome.spacing_mm)


def _magnitude(outcome: Outcome) -> Tensor:
    """Squared length of the displacement in mm^2, mean over the voxels (Cao et al. 2018, eq. 4)."""
    return outcome.displacement.square().sum(1).mean()


def _local_correlation(outcome: Outcome, window: int = 9) -> Tensor:
    """Local correlation of the MR and the warped CT, negative (Gao and Zheng 2022, eq. 5 and 6)."""
    return -local_correlation(outcome.fixed, outcome.warped, outcome.weight, window)


def _affine_local_correlation(outcome: Outcome, window: int = 9) -> Tensor:
    """The same after the affine stage alone (Gao and Zheng 2022, eq. 6)."""
    return _local_correlation(outcome.affine_stage, window)


def _affine_overlap(outcome: Outcome) -> Tensor:
    """The loss "overlap" after the affine stage alone (Gao and Zheng 2022, eq. 8 and 9)."""
    return _overlap(outcome.affine_stage)


def _deformation_smoothness(outcome: Outcome) -> Tensor:
    """Diffusion of what the second stage adds to the affine one (Gao and Zheng 2022, eq. 7, as a mean)."""
    return diffusion(outcome.displacement - outcome.affine_stage.displacement, outcome.spacing_mm)


def _dice(outcome: Outcome) -> Tensor:
    """1 - Dice of the bone; needs labels of the MR."""
    return dice_loss(outcome.warp(outcome.batch.labels > 0), outcome.bone)


def _label_dice(outcome: Outcome) -> Tensor:
    """1 - Dice, mean over the vertebrae of CT or MR; needs labels of the MR."""
    fixed, moving = outcome.needed("fixed_labels"), outcome.batch.labels
    numbers = torch.cat([fixed.unique(), moving.unique()]).unique()
    numbers = numbers[numbers > 0]
    warped = outcome.warp(masks_of_labels(moving, numbers))
    return dice_loss(warped, masks_of_labels(fixed, numbers).to(warped.dtype))


def _overlap(outcome: Outcome) -> Tensor:
    """1 - Dice of the bone without squares (van Ulsen 2022, eq. 3.4); needs labels of the MR."""
    return overlap_loss(outcome.warp(outcome.batch.labels > 0), outcome.bone)


def _rigid_dice(outcome: Outcome) -> Tensor:
    """1 - Dice with the closest rigid motion per vertebra (Jian et al. 2022, eq. 2 and 3)."""
    return rigid_dice(outcome.displacement, outcome.batch.labels, outcome.spacing_mm, outcome.motion.margin)


def _volume(outcome: Outcome) -> Tensor:
    """Relative change of every vertebra's volume, the direct volume loss of Jian et al. 2022."""
    return volume_change(
        outcome.displacement, outcome.batch.labels, outcome.spacing_mm, outcome.motion.margin
    )


def _rigid_field(outcome: Outcome) -> Tensor:
    """Squared distance to the best rigid motion per vertebra, mm^2 (Jian et al. 2022, eq. 4)."""
    return rigid_field(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _rigid_field_distance(outcome: Outcome) -> Tensor:
    """Distance to the best rigid motion per vertebra in mm (the public code of Jian et al. 2022)."""
    return rigid_field_distance(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _properness(outcome: Outcome) -> Tensor:
    """(det J - 1)^2 per vertebra (Jian et al. 2022, eq. 6)."""
    return properness(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _orthonormality(outcome: Outcome) -> Tensor:
    """Squared Frobenius norm of J^T J - I per vertebra (Jian et al. 2022, eq. 7)."""
    return orthonormality(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _bending_energy(outcome: Outcome) -> Tensor:
    """Squares of all second derivatives in mm^-2, mean over the image (Rueckert et al. 1999)."""
    everywhere = torch.ones_like(outcome.displacement[:, :1], dtype=torch.int64)
    return bending_energy(outcome.displacement, everywhere, outcome.spacing_mm)


def _bone_bending_energy(outcome: Outcome) -> Tensor:
    """The same in the bone of the CT (van Ulsen 2022, eq. 3.11); see `_rigidity_penalty`."""
    bone = (outcome.inner(outcome.batch.labels) > 0).long()
    return bending_energy(outcome.displacement, bone, outcome.spacing_mm)


def _rigidity_penalty(outcome: Outcome) -> Tensor:
    """Bending energy + orthonormality + (det J - 1)^2 in the bone of the CT (van Ulsen 2022, eq. 3.16).

    Means over all its voxels, at the places where the CT shows it before the motion, as in the thesis.
    """
    bone = (outcome.inner(outcome.batch.labels) > 0).long()
    where = (outcome.displacement, bone, outcome.spacing_mm)
    return bending_energy(*where) + orthonormality(*where) + properness(*where)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "displacement": _displacement,
    "bone_displacement": _bone_displacement,
    "smoothness": _smoothness,
    "mind": _mind,
    "mutual_information": _mutual_information,
    "normalised_mutual_information": _normalised_mutual_information,
    "gradient_fields": _gradient_fields,
    "correlation": _correlation,
    "ct_correlation": _ct_correlation,
    "mr_correlation": _mr_correlation,
    "laplacian": _laplacian,
    "magnitude": _magnitude,
    "local_correlation": _local_correlation,
    "affine_local_correlation": _affine_local_correlation,
    "deformation_smoothness": _deformation_smoothness,
    "dice": _dice,
    "affine_overlap": _affine_overlap,
    "label_dice": _label_dice,
    "overlap": _overlap,
    "rigid_dice": _rigid_dice,
    "volume": _volume,
    "rigid_field": _rigid_field,
    "rigid_field_distance": _rigid_field_distance,
    "properness": _properness,
    "orthonormality": _orthonormality,
    "bending_energy": _bending_energy,
    "bone_bending_energy": _bone_bending_energy,
    "rigidity_penalty": _rigidity_penalty,
}

NEEDED_FILES = {
    **dict.fromkeys(("bone_displacement", "dice", "affine_overlap", "label_dice", "overlap"), "mr_labels"),
    "ct_correlation": "ct_in_mr",
    "mr_correlation": "mr_in_ct",
}
"""What losses need of every patient of the user's own, by `role`."""
