"""The registrations that the ablation compares: each gives displacements of a batch of one pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from ....alignment.centroids import body_centers
from ....choices import Device
from ....deformation.bones import make_bones
from ....deformation.deformation import Deformation, bone_motion, build_deformation
from ....geometry.boxes import labels_in_box
from ....geometry.grid import Grid
from ....imaging.case import Case
from ....imaging.label_checks import usable_labels
from ....network.motion import RegistrationNetwork
from ....network.preprocessing import CT_RANGE_HU
from ....options import RegistrationOptions
from ....registration import register
from ....registration_result import RegistrationResult
from ...training.batch import Batch
from ...training.checkpoint import load_state
from ...training.recipe import Recipe
from ...training.state import predicted_motion

Displacements = dict[str, tuple[Tensor, float]]
"""Displacement (1, 3, Z, Y, X) in mm and seconds, by the name of the row."""
Method = Callable[[Batch], Displacements]


def no_motion(batch: Batch) -> Displacements:
    """The rigid start as it is."""
    return {"initial": (torch.zeros_like(batch.fixed).repeat(1, 3, 1, 1, 1), 0.0)}


def untrained_network(recipe: Recipe) -> Method:
    """The network as every training begins; "untrained" in the table."""
    torch.manual_seed(recipe.seed)
    return _network("untrained", recipe, recipe.network.build())


def trained_network(recipe: Recipe, checkpoint: Path) -> Method:
    """The averaged weights of a run's last checkpoint."""
    model = recipe.network.build()
    model.load_state_dict(load_state(checkpoint)["average"])
    return _network(recipe.name, recipe, model)


def _network(row: str, recipe: Recipe, model: RegistrationNetwork) -> Method:
    model.eval()

    def displace(batch: Batch) -> Displacements:
        began = time.perf_counter()
        with torch.inference_mode():
            displacement = predicted_motion(recipe, model, model, batch).displacement
        return {row: (displacement.clone(), time.perf_counter() - began)}

    return displace


def whole_registration(spacing_mm: float, device: Device) -> Method:
    """`register`, quality "fast", with the start of the networks: without and with soft-tissue motion."""
    options = RegistrationOptions(quality="fast", device=device)

    def displace(batch: Batch) -> Displacements:
        case = case_of(batch, spacing_mm)
        began = time.perf_counter()
        result = register(case, options)
        seconds = time.perf_counter() - began
        grid = Grid.of(case.mr)
        rigid = displacement_on(_polyrigid(result), grid)
        full = displacement_on(result.deformation, grid)
        faster = seconds - result.seconds.get("soft tissue", 0.0)
        return {"polyrigid": (rigid, faster), "full": (full, seconds)}

    return displace


def case_of(batch: Batch, spacing_mm: float) -> Case:
    """A batch of one pair as the images of a patient whose centroids say that the start is right."""
    nz, ny, nx = batch.fixed.shape[2:]
    grid = Grid((nx, ny, nz), (spacing_mm,) * 3, (0.0, 0.0, 0.0))
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


def displacement_on(deformation: Deformation, grid: Grid) -> Tensor:
    """`mr_to_ct` less the identity, (1, 3, Z, Y, X) in mm, on a grid without rotation."""
    return transform_displacement(deformation.mr_to_ct(), grid)


def transform_displacement(transform: sitk.Transform, grid: Grid) -> Tensor:
    """A transform less the identity, (1, 3, Z, Y, X) in mm, on a grid without rotation."""
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.size, grid.origin_mm, grid.spacing_mm
    )
    return torch.from_numpy(sitk.GetArrayFromImage(field)).float().permute(3, 0, 1, 2)[None]


def _polyrigid(result: RegistrationResult) -> Deformation:
    """A result without its soft-tissue motion."""
    found = result.deformation
    box, poses, whole = found.box, found.poses, found.global_rigid
    options = result.options.deformation
    labels = labels_in_box(result.case.vertebrae, whole, box)
    bones = make_bones(labels, box, poses, whole, options.reach_mm)
    return build_deformation(bones, box, poses, whole, options, bone_motion(bones, box, options))
