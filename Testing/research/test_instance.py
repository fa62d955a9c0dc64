"""Instance optimisation finds a known motion, and refuses losses that one patient cannot have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from spine_ctmr import field_registration
from spine_ctmr.errors import InputError
from spine_ctmr.field_registration import NetworkField, View
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.network.runtime import load_network
from spine_ctmr.progress import silent
from spine_ctmr.research.instance import InstanceField
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.recipe import Recipe

SPACING_MM = 2.0
MOVED_VOXELS = (1, -2, 1)
"""Along (x, y, z): what lies at x in the MR lies at x + this in the CT."""
ALONE = {"correlation": 1.0, "bending_energy": 0.1}


def recipe(**losses: float) -> Recipe:
    return Recipe("known", spacing_mm=SPACING_MM, loss=loss_terms(losses or ALONE, "loss."))


@pytest.fixture(scope="module")
def view() -> View:
    """Smooth texture, moved by whole voxels."""
    noise = np.random.default_rng(0).normal(size=(28, 30, 26)).astype(np.float32)
    mr = gaussian_filter(noise, 2.5) * 1000 + 200
    ct = np.roll(mr, MOVED_VOXELS[::-1], (0, 1, 2))
    labels = np.zeros(mr.shape, np.uint8)
    grid = Grid(mr.shape[::-1], (SPACING_MM,) * 3, (0.0, 0.0, 0.0))
    return View(grid, mr, ct, labels, None, np.ones(mr.shape, bool))


def mean_error_mm(displacement: torch.Tensor) -> float:
    true = torch.tensor(MOVED_VOXELS) * SPACING_MM
    return float((displacement[6:-6, 6:-6, 6:-6] - true).norm(dim=-1).mean())


def test_correlation_and_bending_energy_alone_find_a_known_motion(view: View) -> None:
    told: list[float] = []
    found = InstanceField(recipe(), 80).find(view, lambda stage, share: told.append(share))
    assert found.shape == (*view.mr.shape, 3)
    assert mean_error_mm(found) < 0.5
    assert told == sorted(told)
    assert len(told) == 80


def test_it_begins_with_the_networks_displacement(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    true = (torch.tensor(MOVED_VOXELS) * SPACING_MM).expand(*view.mr.shape, 3)
    network = load_network(device="cpu")
    monkeypatch.setattr(field_registration, "predict_displacement", lambda network, mr, ct: true.clone())
    begun = InstanceField(recipe(), 1, NetworkField(network))
    assert mean_error_mm(begun.find(view, silent)) < 0.3 < mean_error_mm(torch.zeros(*view.mr.shape, 3))
    assert (
        "1 steps down the losses of known made of the displacement of the network matching_2mm"
        in begun.origin
    )
    assert begun.network is network
    with pytest.raises(InputError, match="'matching_2mm' works at 2 mm and the recipe 'known' at 1 mm"):
        InstanceField(replace(recipe(), spacing_mm=1.0), 1, NetworkField(network))


def test_a_network_that_learned_after_an_affine_registration_begins_after_one(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The affine map finds all of the motion, and the network nothing more."""
    network = load_network(device="cpu")
    recipe_with_affine = {**network.card.training["recipe"], "data": {"affine": True}}
    object.__setattr__(network.card, "training", {"recipe": recipe_with_affine})
    matrix = np.eye(4)
    matrix[:3, 3] = np.multiply(MOVED_VOXELS, SPACING_MM)
    monkeypatch.setattr(field_registration, "affine_by_information", lambda *_: matrix)
    monkeypatch.setattr(
        field_registration, "predict_displacement", lambda network, mr, ct: torch.zeros(*mr.shape, 3)
    )
    begun = InstanceField(recipe(), 1, NetworkField(network))
    assert mean_error_mm(begun.find(view, silent)) < 0.3
    assert "made of an affine registration" in begun.origin


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        ({"displacement": 1.0}, "need the true displacement"),
        ({"label_dice": 1.0}, "need vertebra labels of the MR"),
        ({"affine_local_correlation": 1.0}, "need a network with an affine stage"),
        ({"properness": 1.0}, "do not depend on the motion"),
    ],
)
def test_losses_that_one_patient_cannot_have(view: View, losses: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        InstanceField(recipe(**losses), 1).find(view, silent)


def test_labels_of_the_mr_serve_losses_of_overlap(view: View) -> None:
    bone = np.zeros(view.mr.shape, np.uint8)
    bone[10:18, 10:20, 9:17] = 22
    moved = np.roll(bone, MOVED_VOXELS[::-1], (0, 1, 2))
    both = replace(view, mr_labels=bone, ct_labels=moved)
    found = InstanceField(recipe(overlap=1.0, bending_energy=0.1), 60).find(both, silent)
    inside = found[torch.from_numpy(bone) > 0].mean(0).numpy()
    np.testing.assert_allclose(inside, np.multiply(MOVED_VOXELS, SPACING_MM), atol=0.8)
