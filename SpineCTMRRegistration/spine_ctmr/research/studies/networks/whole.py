"""This program's whole registration on the patients of the networks, with the networks' start."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ....alignment.centroids import body_centers
from ....imaging.case import Case
from ....imaging.label_checks import usable_labels
from ....network.preprocessing import CT_RANGE_HU
from ....options import RegistrationOptions
from ....registration import register
from .held_out import HeldOutPatient
from .methods import transform_displacement


def by_registration(patient: HeldOutPatient) -> Tensor:
    """Quality "fast"."""
    result = register(case_of(patient), RegistrationOptions(quality="fast", device="cpu"))
    return transform_displacement(result.deformation.mr_to_ct(), patient.grid)


def case_of(patient: HeldOutPatient) -> Case:
    """The images of a patient whose centroids say that the start is right."""
    batch, grid = patient.batch, patient.grid
    low, high = CT_RANGE_HU
    ct = batch.moving[0, 0].numpy() * (high - low) + low
    image = grid.image(ct.round().astype(np.int16))
    labels = usable_labels(grid.image(batch.labels[0, 0].numpy().astype(np.uint8)), image)
    return Case(
        ct=image,
        mr=grid.image((1000 * batch.fixed[0, 0].numpy()).round().astype(np.int16)),
        vertebrae=labels,
        mr_centroids=body_centers(labels),
    )
