"""A network straight from the checkpoint of its training, without being exported."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..errors import InputError
from ..process.explanation import is_out_of_memory
from .network_file import NetworkCard


def read_training(checkpoint: Path) -> tuple[NetworkCard, bytes]:
    """The network's description, and its averaged weights as a safetensors file holds them.

    Args:
        checkpoint: best.pt of a training; nothing in it is executed.

    Raises:
        InputError: it is none.
        OSError: it cannot be read.
        MemoryError: there is not enough for it.
    """
    import torch
    from safetensors.torch import save

    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        recipe = json.loads(state["recipe"])
        content: bytes = save({name: value.contiguous() for name, value in state["weights"].items()})
        card = NetworkCard(
            name=recipe["name"],
            spacing_mm=recipe["spacing_mm"],
            network=recipe["network"],
            onnx_sha256="",
            safetensors_sha256=hashlib.sha256(content).hexdigest(),
            training={"recipe": recipe, "steps": state["step"], "data": state["data"]},
        )
    except OSError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(f"{checkpoint}: not the best.pt of a training, or damaged; train again.") from error
    return card, content
