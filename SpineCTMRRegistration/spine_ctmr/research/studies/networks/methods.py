"""Registrations of a held-out patient by networks and by others: each gives a displacement."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import SimpleITK as sitk
import torch
from torch import Tensor
from torch.nn import functional

from ....geometry.grid import Grid
from ....geometry.voxels import array_view
from ....network.affine_start import Affine, affine_by_information, displacement_after
from ....network.blocks import predict_velocity
from ....network.integration import displacement_of, warp
from ....network.motion import RegistrationNetwork
from ....network.preprocessing import CT_RANGE_HU
from ....network.runtime import load_network
from ....network.torch_network import DisplacementNetwork
from ...training.checkpoint import load_state
from ...training.recipe import Recipe
from ...training.state import predicted_motion
from ..benchmark.methods.syn import ants_transform
from ..elastix import RIGIDITY_PENALTY, elastix_displacement
from ..kernel import Method, Values
from .held_out import HeldOutPatient
from .measures import OVERALL, measure

Register = Callable[[HeldOutPatient], Tensor]
"""Displacement (1, 3, Z, Y, X) in mm on the patient's grid."""
PACKAGES = {"syn_mi": "ants", "staring": "itk"}
"""What methods need, by their names."""
SLOW, SLOW_PATIENTS = ("staring",), 4
"""Methods that take a minute of CPU each, and how many test patients, the first, they register."""
SAMPLES_AT_1_MM = 65536
"""Of elastix in Jian et al. 2022, for images of 1 mm."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network as a run's last checkpoint has it, whatever the validation said of it.

    Attributes:
        recipe: of the training.
        model: in evaluation mode, with averaged weights.
        steps: that it has learned.
    """

    recipe: Recipe
    model: RegistrationNetwork
    steps: int


def read_network(recipe: Recipe, checkpoint: Path) -> TrainedNetwork:
    """The network of a run's last checkpoint."""
    state = load_state(checkpoint)
    model = recipe.network.build().eval()
    model.load_state_dict(state["average"])
    return TrainedNetwork(recipe, model, state["step"])


def measured(name: str, title: str, register: Register) -> Method[HeldOutPatient]:
    """A registration as a method of a study."""
    return Method(name, title, partial(_measured, register, name in SLOW))


def missing(name: str) -> bool:
    """Whether the package of a method is not installed."""
    return name in PACKAGES and find_spec(PACKAGES[name]) is None


def no_motion(patient: HeldOutPatient) -> Tensor:
    """The rigid start as it is."""
    return torch.zeros_like(patient.batch.fixed).repeat(1, 3, 1, 1, 1)


def by_network(network: TrainedNetwork) -> Register:
    """A network; one with a margin sees air around the patient, as in `register`.

    Its voxels are as large as the patients' or a whole multiple; the displacement is upsampled from them.
    Where the recipe starts from an affine registration, so does this.
    """
    recipe, model = network.recipe, network.model

    def seen(image: Tensor, factor: int) -> Tensor:
        return functional.pad(functional.avg_pool3d(image, factor), [model.margin] * 6)

    def displace(patient: HeldOutPatient) -> Tensor:
        batch, factor = patient.batch, voxels_across(recipe, patient.spacing_mm)
        batch = replace(batch, fixed=seen(batch.fixed, factor), moving=seen(batch.moving, factor))
        with torch.inference_mode():
            displacement = predicted_motion(recipe, model, model, batch).displacement
        return functional.interpolate(displacement, scale_factor=factor, mode="trilinear").clone()

    return _after_affine(displace) if recipe.data.affine else displace


def by_affine(patient: HeldOutPatient) -> Tensor:
    """Affine registration by mutual information alone (`affine_start`)."""
    return displacement_after(_affine(patient), no_motion(patient), patient.spacing_mm)


def by_syn(patient: HeldOutPatient) -> Tensor:
    """ANTsPy's "SyN" with mutual information, which begins with an affine registration of its own."""
    batch, grid = patient.batch, patient.grid
    fixed, moving = (grid.image(image[0, 0].numpy()) for image in (batch.fixed, batch.moving))
    return transform_displacement(ants_transform(fixed, moving, "SyN"), grid)


def by_staring(patient: HeldOutPatient) -> Tensor:
    """elastix with mutual information and the rigidity penalty of Staring et al. 2007, as in Jian et al.
    2022.

    Its samples are as dense as the paper's in voxels, so that there are fewer on coarser grids.
    """
    samples = max(round(SAMPLES_AT_1_MM / patient.spacing_mm**3), 2048)
    settings = {**RIGIDITY_PENALTY, "NumberOfSpatialSamples": [str(samples)]}
    batch = patient.batch
    fixed, moving, labels = (image[0, 0].numpy() for image in (batch.fixed, batch.moving, batch.labels))
    field, _ = elastix_displacement(fixed, moving, patient.spacing_mm, settings, threads=1, bone=labels > 0)
    return torch.from_numpy(field).permute(3, 0, 1, 2)[None]


def by_bundled() -> Register:
    """The network that comes with this program, alone; its grid is that of the patients."""
    network = load_network(device="cpu", threads=torch.get_num_threads())
    if isinstance(network, DisplacementNetwork):
        raise ValueError("The bundled network is of another kind.")

    def displace(patient: HeldOutPatient) -> Tensor:
        if network.card.spacing_mm != patient.spacing_mm:
            raise ValueError("The bundled network is of another spacing than these patients.")
        fixed, moving = (image[0, 0].numpy() for image in (patient.batch.fixed, patient.batch.moving))
        velocity = torch.from_numpy(predict_velocity(network, fixed, moving)).permute(3, 0, 1, 2)[None]
        return displacement_of(velocity, patient.spacing_mm)

    return displace


def voxels_across(recipe: Recipe, spacing_mm: float) -> int:
    """The patients' voxels along the side of one of the network's.

    Raises:
        ValueError: it is no whole number.
    """
    factor = recipe.spacing_mm / spacing_mm
    if factor < 1 or factor != int(factor):
        raise ValueError(f"{recipe.name}: its voxels are no multiple of {spacing_mm:g} mm.")
    return int(factor)


def transform_displacement(transform: sitk.Transform, grid: Grid) -> Tensor:
    """A transform less the identity, (1, 3, Z, Y, X) in mm, on a grid without rotation."""
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.size, grid.origin_mm, grid.spacing_mm
    )
    return torch.from_numpy(array_view(field).copy()).float().permute(3, 0, 1, 2)[None]


def _measured(register: Register, slow: bool, patient: HeldOutPatient) -> Values:
    if slow and patient.number >= SLOW_PATIENTS:
        return {"vertebrae": [], "overall": dict.fromkeys(OVERALL)}
    began = time.process_time()
    displacement = register(patient)
    return measure(patient, displacement, time.process_time() - began)


def _after_affine(displace: Register) -> Register:
    def both(patient: HeldOutPatient) -> Tensor:
        matrix, spacing = _affine(patient), patient.spacing_mm
        moving = warp(patient.batch.moving, displacement_after(matrix, no_motion(patient), spacing), spacing)
        local = displace(replace(patient, batch=replace(patient.batch, moving=moving)))
        return displacement_after(matrix, local, spacing)

    return both


def _affine(patient: HeldOutPatient) -> Affine:
    low, high = CT_RANGE_HU
    mr, ct, seen = (
        v[0, 0].numpy() for v in (patient.batch.fixed, patient.batch.moving, patient.batch.weight)
    )
    return affine_by_information(mr, ct * (high - low) + low, patient.spacing_mm, seen)
