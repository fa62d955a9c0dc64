"""Networks with an affine stage as files: exported, loaded by torch, run on images of any size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.network.motion import NetworkOptions
from spine_ctmr.network.prediction import predict_displacement
from spine_ctmr.network.preprocessing import scale_ct, scale_mr
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network.torch_network import DisplacementNetwork
from spine_ctmr.network.two_stage import TwoStageNetwork
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.export import export
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

from .test_acsgregnet import SMALL, SMALL_VOXELMORPH

torch.set_num_threads(1)


def lively(options: NetworkOptions) -> TwoStageNetwork:
    """Motions of several mm in both stages."""
    torch.manual_seed(0)
    model = options.build()
    assert isinstance(model, TwoStageNetwork)
    with torch.no_grad():
        model.affine.parameters_of.bias.normal_(std=0.05)
        for name, weight in model.named_parameters():
            if "flow" in name:
                weight.normal_(std=0.5)
    return model.eval()


@pytest.mark.parametrize("options", [SMALL, SMALL_VOXELMORPH], ids=lambda o: o.kind)
def test_file_gives_the_displacement_of_the_network(options: NetworkOptions, tmp_path: Path) -> None:
    recipe = replace(load_recipe(find_recipe("acsgregnet_small")), network=options, name="two_stages")
    model = lively(options)
    best = {"weights": model.state_dict(), "step": 1, "errors": {"loss": 1.0}, "data": "Nothing"}
    save_atomically({**best, "recipe": json.dumps(recipe.to_dict())}, tmp_path / "best.pt")
    network = load_network(export(tmp_path, tmp_path / "network"), "cpu")
    assert isinstance(network, DisplacementNetwork)

    mr, ct = np.random.default_rng(0).uniform(1, 1000, (2, 40, 48, 50))
    found = predict_displacement(network, mr, ct).numpy()
    pair = np.pad(np.stack([scale_mr(mr), scale_ct(ct)]), [(0, 0), (0, 8), (0, 0), (0, 14)])
    with torch.inference_mode():
        motion = model.motion(model(torch.from_numpy(pair)[None]), recipe.spacing_mm)
    assert motion.affine is not None
    assert motion.affine.abs().max() > 1
    assert (motion.displacement - motion.affine).abs().max() > 0.1
    expected = motion.displacement[0].movedim(0, -1)[:40, :48, :50].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
