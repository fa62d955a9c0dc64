"""Turn a training run into a network file: ONNX, safetensors and their description."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from ...network.device_network import Images
from ...network.find_network import BEST
from ...network.kinds import network_options, network_table
from ...network.motion import NetworkOptions, RegistrationNetwork
from ...network.network_file import NetworkCard, read_card, read_weights, write_card
from ...network.onnx_network import OnnxRuntimeNetwork
from ...network.torch_network import DisplacementNetwork, TorchNetwork
from .checkpoint import load_state
from .model_card import model_card
from .onnx_graph import has_onnx_form, onnx_content, require_plain
from .recipe import Recipe, recipe_of

TOLERANCE_MM = 1e-4


def export(
    run_dir: Path,
    output_dir: Path,
    name: str | None = None,
    measured: Sequence[Path] = (),
    look_scale: float = 1.0,
) -> Path:
    """Write `<name>.onnx`, `.safetensors`, `.json` and `.md`; return the path of the .json.

    The best checkpoint's averaged weights are written. The runtimes are run on the written files and must
    agree with the checkpoint within 1e-4 mm. A network whose kind has no ONNX form, because it gives the
    displacement and not a velocity alone, is written without that file.

    Args:
        run_dir: of `train`.
        output_dir: created where missing.
        name: of the network, by default the recipe's.
        measured: JSON files of measurements for the model card.
        look_scale: see `NetworkCard`.

    Raises:
        InputError: the run has no checkpoint, or the files disagree with it.
    """
    best = load_state(run_dir / BEST)
    recipe = recipe_of(json.loads(best["recipe"]))
    name = name or recipe.name
    model = recipe.network.build().eval()
    model.load_state_dict(best["weights"])
    files = {"safetensors": _safetensors_content(model)}
    if has_onnx_form(model):
        files["onnx"] = onnx_content(model)
    output_dir.mkdir(parents=True, exist_ok=True)
    for kind, content in files.items():
        (output_dir / f"{name}.{kind}").write_bytes(content)
    card = replace(_card(name, recipe, best, files), look_scale=look_scale)
    path = write_card(card, output_dir)
    check_agreement(model, path)
    parameters = sum(weight.numel() for weight in model.parameters())
    path.with_suffix(".md").write_text(model_card(card, parameters, measured), encoding="utf-8")
    return path


def check_agreement(model: RegistrationNetwork, card: Path) -> None:
    """Run the written files with their runtimes against the model; InputError where they differ."""
    description = read_card(card)
    weights = {kind: read_weights(description, card.parent, kind) for kind in description.weight_kinds}
    images = _test_images(network_options(description.network))
    with torch.inference_mode():
        output = model(torch.from_numpy(images)[None])
        if "onnx" in weights:
            expected = output[0].numpy()
        else:
            expected = model.motion(output, description.spacing_mm).displacement[0].numpy()
    for found in _runs(description, weights, images):
        difference = _largest(found - expected)
        if not difference <= TOLERANCE_MM:
            raise InputError(f"{card}: the exported network differs by {difference:.2g} mm; export it again.")


def _runs(card: NetworkCard, weights: dict[str, bytes], images: Images) -> Iterator[Images]:
    """What every runtime makes of the written files."""
    if "onnx" not in weights:
        yield DisplacementNetwork(card, weights["safetensors"]).displacement(images)
        return
    require_plain(weights["onnx"])
    yield OnnxRuntimeNetwork(card, weights["onnx"]).velocity(images)
    yield TorchNetwork(card, weights["safetensors"]).velocity(images)


def _test_images(options: NetworkOptions) -> Images:
    """Noise (2, Z, Y, X) with different sides that the network takes."""
    shape = [next(side for side in count(least) if options.takes(side)) for least in (48, 32, 64)]
    return np.random.default_rng(0).random((2, *shape), np.float32)


def _largest(values: NDArray[Any]) -> float:
    return float(np.abs(values).max())


def _safetensors_content(model: RegistrationNetwork) -> bytes:
    from safetensors.torch import save

    weights: dict[str, Tensor] = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
    return bytes(save(weights))


def _card(name: str, recipe: Recipe, best: dict[str, Any], files: dict[str, bytes]) -> NetworkCard:
    begun = {"began_with": best["began_with"]} if best.get("began_with") else {}
    hashes = {kind: hashlib.sha256(content).hexdigest() for kind, content in files.items()}
    return NetworkCard(
        name=name,
        spacing_mm=recipe.spacing_mm,
        network=network_table(recipe.network),
        onnx_sha256=hashes.get("onnx", ""),
        safetensors_sha256=hashes["safetensors"],
        training={"recipe": recipe.to_dict(), "steps": best["step"], "data": best["data"], **begun},
        accuracy={
            f"validation_{key}": round(value, 4)
            for key, value in best["errors"].items()
            if math.isfinite(value)
        },
    )
