"""elastix with mutual information and the rigidity penalty of Staring et al. 2007, as in Jian et al. 2022."""

from __future__ import annotations

import torch

from ...training.batch import Batch
from ..elastix import RIGIDITY_PENALTY, elastix_displacement
from .methods import Displacements, Method

SAMPLES_AT_1_MM = 65536
"""In the paper, for images of 1 mm."""


def staring(spacing_mm: float) -> Method:
    """The conventional method of the paper's table; the bones are rigid where the CT labels say so.

    Its samples are as dense as the paper's in voxels, so that there are fewer on coarser grids.
    """
    samples = max(round(SAMPLES_AT_1_MM / spacing_mm**3), 2048)
    settings = {**RIGIDITY_PENALTY, "NumberOfSpatialSamples": [str(samples)]}

    def displace(batch: Batch) -> Displacements:
        fixed, moving, labels = (image[0, 0].numpy() for image in (batch.fixed, batch.moving, batch.labels))
        field, seconds = elastix_displacement(fixed, moving, spacing_mm, settings, threads=1, bone=labels > 0)
        return {"staring": (torch.from_numpy(field).permute(3, 0, 1, 2)[None], seconds)}

    return displace
