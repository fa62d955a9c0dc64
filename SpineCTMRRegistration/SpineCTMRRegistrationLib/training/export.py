"""Turn a training run into a network file: ONNX, safetensors and their description."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..network.kinds import network_table
from ..network.motion import RegistrationNetwork
from ..network.network_file import NetworkCard, read_card, read_weights, write_card
from ..network.runtime import TorchNetwork, load_network
from .checkpoint import load_state
from .model_card import model_card
from .onnx_graph import onnx_content, require_plain
from .recipe import Recipe, recipe_of
from .run_folder import BEST

TOLERANCE_MM = 1e-4


def export(run_dir: Path, output_dir: Path, name: str | None = None, measured: Sequence[Path] = ()) -> Path:
    """Write `<name>.onnx`, `.safetensors`, `.json` and `.md`; return the path of the .json.

    The best checkpoint's averaged weights are written. Both runtimes are run on the written files and
    must agree with the checkpoint within 1e-4 mm.

    Args:
        run_dir: of `train`.
        output_dir: created where missing.
        name: of the network, by default the recipe's.
        measured: JSON files of measurements for the model card.

    Raises:
        InputError: the run has no checkpoint, its network has no ONNX form, or the files disagree with it.
    """
    best = load_state(run_dir / BEST)
    recipe = recipe_of(json.loads(best["recipe"]))
    name = name or recipe.name
    model = recipe.network.build().eval()
    model.load_state_dict(best["weights"])
    content = onnx_content(model)
    output_dir.mkdir(parents=True, exist_ok=True)
    paths = output_dir / f"{name}.onnx", output_dir / f"{name}.safetensors"
    paths[0].write_bytes(content)
    paths[1].write_bytes(_safetensors_content(model))
    card = _card(name, recipe, best, *paths)
    path = write_card(card, output_dir)
    check_agreement(model, path)
    parameters = sum(weight.numel() for weight in model.parameters())
    path.with_suffix(".md").write_text(model_card(card, parameters, measured), encoding="utf-8")
    return path


def check_agreement(model: RegistrationNetwork, card: Path) -> None:
    """Run the written files with both runtimes against the model; InputError where they differ."""
    images = np.random.default_rng(0).random((2, 48, 32, 64), np.float32)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images)[None])[0].numpy()
    description = read_card(card)
    require_plain(read_weights(description, card.parent, "onnx"))
    torch_network = TorchNetwork(description, read_weights(description, card.parent, "safetensors"))
    for network in (load_network(card, "cpu"), torch_network):
        difference = _largest(network.velocity(images) - expected)
        if not difference <= TOLERANCE_MM:
            raise InputError(f"{card}: the exported network differs by {difference:.2g} mm; export it again.")


def _largest(values: NDArray[Any]) -> float:
    return float(np.abs(values).max())


def _safetensors_content(model: RegistrationNetwork) -> bytes:
    from safetensors.torch import save

    weights: dict[str, Tensor] = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
    return bytes(save(weights))


def _card(
    name: str, recipe: Recipe, best: dict[str, Any], onnx_file: Path, safetensors_file: Path
) -> NetworkCard:
    return NetworkCard(
        name=name,
        spacing_mm=recipe.spacing_mm,
        network=network_table(recipe.network),
        onnx_sha256=hashlib.sha256(onnx_file.read_bytes()).hexdigest(),
        safetensors_sha256=hashlib.sha256(safetensors_file.read_bytes()).hexdigest(),
        training={"recipe": recipe.to_dict(), "steps": best["step"], "data": best["data"]},
        accuracy={
            f"validation_{key}": round(value, 4)
            for key, value in best["errors"].items()
            if math.isfinite(value)
        },
    )
