"""Networks that give the displacement: exported, loaded, and run on images of any size without seams."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.network.cao import CaoOptions
from spine_ctmr.network.motion import RegistrationNetwork
from spine_ctmr.network.network_file import read_card
from spine_ctmr.network.pieces import whole_displacement
from spine_ctmr.network.prediction import predict_displacement
from spine_ctmr.network.preprocessing import scale_ct, scale_mr
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network.torch_network import DisplacementNetwork
from spine_ctmr.network.vanulsen import VanUlsenOptions
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.export import export
from spine_ctmr.research.training.recipe import Recipe
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

torch.set_num_threads(1)
CAO = replace(load_recipe(find_recipe("cao_dual")), network=CaoOptions(filters=(2, 3, 4)))
VANULSEN = load_recipe(find_recipe("vanulsen_us"))


def lively(recipe: Recipe) -> RegistrationNetwork:
    """Displacements of several voxels, and running statistics unlike the initial ones."""
    torch.manual_seed(0)
    model = recipe.network.build()
    torch.nn.init.normal_(model.flow.weight)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm3d):
            layer.momentum = 1.0
    model(torch.rand(2, 2, 48, 48, 48))
    return model.eval()


@pytest.fixture(scope="module", params=[CAO, VANULSEN], ids=lambda r: r.name)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param.name)
    best = {"weights": lively(request.param).state_dict(), "step": 7, "errors": {"loss": 1.0}}
    recipe = json.dumps(request.param.to_dict())
    save_atomically({**best, "recipe": recipe, "data": "Nothing"}, folder / "best.pt")
    return export(folder, folder / "network")


def direct(recipe: Recipe, images: np.ndarray) -> np.ndarray:
    """The layers run at once on the whole image with air around it, (Z, Y, X, 3)."""
    model, sides = lively(recipe), images.shape[1:]
    after = [model.margin + 60 - n if model.margin else -n % 8 for n in sides]
    padded = np.pad(images, [(0, 0), *((model.margin, extra) for extra in after)])
    with torch.inference_mode():
        output = model(torch.from_numpy(padded)[None])[0].movedim(0, -1)
    return output[: sides[0], : sides[1], : sides[2]].numpy()


def test_file_without_onnx_form_is_described_as_such(exported: Path) -> None:
    card = read_card(exported)
    assert card.weight_kinds == ("safetensors",)
    assert {p.suffix for p in exported.parent.iterdir()} == {".json", ".md", ".safetensors"}
    page = exported.with_suffix(".md").read_text()
    assert card.safetensors_sha256 in page
    assert ".onnx" not in page


def test_prediction_equals_the_layers_on_the_whole_image(exported: Path) -> None:
    network = load_network(exported, "cpu")
    assert isinstance(network, DisplacementNetwork)
    recipe = CAO if network.margin else VANULSEN
    rng = np.random.default_rng(0)
    ct, mr = rng.uniform(-1000, 2000, (2, 33, 30, 20))
    expected = direct(recipe, np.stack([scale_mr(mr), scale_ct(ct)]))
    found = predict_displacement(network, mr, ct).numpy()
    assert found.shape == (33, 30, 20, 3)
    assert np.abs(found).max() > 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("largest_side", [44, 48, 60])
def test_pieces_have_no_seams(largest_side: int) -> None:
    model = lively(CAO)

    class Running:
        margin, takes = model.margin, staticmethod(CAO.network.takes)
        pieces = 0

        def displacement(self, images: np.ndarray) -> np.ndarray:
            assert all(CAO.network.takes(side) and side <= largest_side for side in images.shape[1:])
            self.pieces += 1
            with torch.inference_mode():
                return model(torch.from_numpy(images)[None])[0].numpy()

    images = np.random.default_rng(1).random((2, 9, 8, 10), np.float32)
    network = Running()
    found = whole_displacement(network, *images, largest_side=largest_side)
    np.testing.assert_allclose(found, direct(CAO, images), atol=1e-4)
    assert network.pieces == {44: 3 * 2 * 3, 48: 2 * 1 * 2, 60: 1}[largest_side]


def test_options_of_the_files_are_those_of_the_recipes(exported: Path) -> None:
    kinds = {CaoOptions.kind: CAO, VanUlsenOptions.kind: VANULSEN}
    card = read_card(exported)
    assert card.spacing_mm == kinds[card.network["kind"]].spacing_mm == 1.0
