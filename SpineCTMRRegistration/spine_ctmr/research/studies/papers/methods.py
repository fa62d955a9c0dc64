"""The registrations that are compared: each gives the displacement of a test patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ....network.blocks import predict_velocity
from ....network.integration import displacement_of
from ....network.motion import RegistrationNetwork
from ....network.runtime import DisplacementNetwork, load_network
from ...training.checkpoint import load_state
from ...training.recipe import Recipe
from ...training.state import predicted_motion
from ..ablation.methods import transform_displacement
from ..benchmark.methods.syn import ants_transform
from .patients import SPACING_MM, HeldOutPatient

Method = Callable[[HeldOutPatient], Tensor]
"""Displacement (1, 3, Z, Y, X) in mm on the patient's grid."""
PACKAGES = {"affine_mi": "ants", "syn_mi": "ants"}
"""What methods need, by their names."""


def missing(name: str) -> bool:
    """Whether the package of a method is not installed."""
    return name in PACKAGES and find_spec(PACKAGES[name]) is None


def no_motion(patient: HeldOutPatient) -> Tensor:
    """The rigid start as it is."""
    return torch.zeros_like(patient.batch.fixed).repeat(1, 3, 1, 1, 1)


def trained_model(recipe: Recipe, checkpoint: Path) -> RegistrationNetwork:
    """The network of a run's last checkpoint, whatever the validation said of it."""
    model = recipe.network.build().eval()
    model.load_state_dict(load_state(checkpoint)["average"])
    return model


def trained_network(recipe: Recipe, checkpoint: Path) -> Method:
    """A network as `trained_model` reads it; one with a margin sees air around it, as in `register`.

    Its voxels are as large as the patients' or a whole multiple; the displacement is upsampled from them.
    """
    model = trained_model(recipe, checkpoint)
    factor = voxels_across(recipe)

    def seen(image: Tensor) -> Tensor:
        return functional.pad(functional.avg_pool3d(image, factor), [model.margin] * 6)

    def displace(patient: HeldOutPatient) -> Tensor:
        batch = replace(patient.batch, fixed=seen(patient.batch.fixed), moving=seen(patient.batch.moving))
        with torch.inference_mode():
            displacement = predicted_motion(recipe, model, model, batch).displacement
        return functional.interpolate(displacement, scale_factor=factor, mode="trilinear").clone()

    return displace


def voxels_across(recipe: Recipe) -> int:
    """The patients' voxels along the side of one of the network's.

    Raises:
        ValueError: it is no whole number.
    """
    factor = recipe.spacing_mm / SPACING_MM
    if factor < 1 or factor != int(factor):
        raise ValueError(f"{recipe.name}: its voxels are no multiple of {SPACING_MM:g} mm.")
    return int(factor)


def bundled_network() -> Method:
    """The network that comes with this program, alone.

    Its grid is that of the patients.
    """
    network = load_network(device="cpu", threads=torch.get_num_threads())
    if isinstance(network, DisplacementNetwork) or network.card.spacing_mm != SPACING_MM:
        raise ValueError("The bundled network is of another kind or spacing than these patients.")

    def displace(patient: HeldOutPatient) -> Tensor:
        fixed, moving = (image[0, 0].numpy() for image in (patient.batch.fixed, patient.batch.moving))
        velocity = torch.from_numpy(predict_velocity(network, fixed, moving)).permute(3, 0, 1, 2)[None]
        return displacement_of(velocity, SPACING_MM)

    return displace


def mutual_information(kind: str) -> Method:
    """ANTs with mutual information (Cao et al. 2018, table 1).

    Args:
        kind: of transform, as ANTsPy names it: "Affine", or "SyN", which begins with an affine one.
    """

    def displace(patient: HeldOutPatient) -> Tensor:
        fixed, moving = (
            patient.grid.image(image[0, 0].numpy()) for image in (patient.batch.fixed, patient.batch.moving)
        )
        return transform_displacement(ants_transform(fixed, moving, kind), patient.grid)

    return displace
