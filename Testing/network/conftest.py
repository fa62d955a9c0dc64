"""One exported network with sizeable weights, shared by the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from spine_ctmr.network.unet import VelocityUNet
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.export import export
from spine_ctmr.research.training.recipe import Recipe

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower


def lively_network() -> VelocityUNet:
    """Random weights whose velocities reach several mm, unlike the nearly zero initial ones."""
    torch.manual_seed(3)
    model = VelocityUNet().eval()
    for layer in (*model.encoder, *model.decoder, *model.head):
        torch.nn.init.kaiming_normal_(layer.weight, a=0.2)
    torch.nn.init.normal_(model.flow.weight, std=0.02)
    return model


@pytest.fixture(scope="session")
def training_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the best.pt of a training."""
    run = tmp_path_factory.mktemp("run")
    recipe = json.dumps(Recipe("lively", spacing_mm=2.0).to_dict())
    errors = {"bone_mm": 1.0, "soft_mm": 2.0, "zero_bone_mm": 3.0, "zero_soft_mm": 4.0}
    best = {"weights": lively_network().state_dict(), "step": 7, "errors": errors}
    save_atomically({**best, "recipe": recipe, "data": "Nothing"}, run / "best.pt")
    return run


@pytest.fixture(scope="session")
def network_folder(tmp_path_factory: pytest.TempPathFactory, training_folder: Path) -> Path:
    """A folder with lively.json, lively.onnx, lively.safetensors."""
    output = tmp_path_factory.mktemp("networks")
    export(training_folder, output, "lively")
    return output
