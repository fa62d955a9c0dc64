"""Whether this machine computes a network in bfloat16 as it does in float32, and not far slower.

On some processors it does not: torch 2.13 on an AMD EPYC with avx512_bf16 gave other losses at each run
and no error. So a network is tried before bfloat16 is used for it. A processor
without AVX-512 took 22 s instead of 1.0 to 1.5 s a step of `jian_baseline` at 2 mm, beside other work.
"""

from __future__ import annotations

import copy
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ...network.motion import RegistrationNetwork
from .recipe import Recipe

LONGEST_SIDE = 64
"""Of the images on which a network is tried, in voxels."""
TRIALS = 2
"""The fault shows itself anew at each run, and not at every one."""
LARGEST_VALUE_ERROR = 0.1
LARGEST_GRADIENT_ERROR = 0.7
"""Relative, of an output and of the gradient of one kernel. Rounding alone gave up to 0.054 and 0.48 (with
batch normalisation; 0.006 and 0.15 without) with the networks that come with this program. A gradient
that has nothing to do with the right one is wrong by 1.4."""

FELL_BACK = (
    "This machine computes the network wrongly or far slower in bfloat16 than in float32; float32 is used "
    "instead."
)

_right: WeakKeyDictionary[RegistrationNetwork, bool] = WeakKeyDictionary()


def uses_bfloat16(recipe: Recipe, model: RegistrationNetwork) -> bool:
    """Whether the layers of a network are computed in bfloat16: the recipe says so and the machine can.

    Args:
        recipe: with the precision and the size of the images.
        model: the network, on the device where it computes; tried once.
    """
    if recipe.precision != "bfloat16":
        return False
    if not has_bfloat16(next(model.parameters()).device.type):
        return False
    if model not in _right:
        _right[model] = computes_bfloat16(model, _images(recipe, model))
    return _right[model]


def has_bfloat16(device: str) -> bool:
    """Whether a kind of device computes convolutions in bfloat16 itself."""
    if device != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def computes_bfloat16(model: RegistrationNetwork, images: Tensor) -> bool:
    """Whether values and gradients in bfloat16 are, within rounding, those in float32.

    The model and the random generators stay as they are.

    Args:
        model: any network.
        images: (B, 2, Z, Y, X) on the model's device.
    """
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng():
        right_values, right_gradients = _tried(model, images, False)
        for _ in range(TRIALS):
            values, gradients = _tried(model, images, True)
            if not _close(values, right_values, LARGEST_VALUE_ERROR):
                return False
            if not _close(gradients, right_gradients, LARGEST_GRADIENT_ERROR):
                return False
    return True


def _images(recipe: Recipe, model: RegistrationNetwork) -> Tensor:
    """Random images of the recipe's crop, with sides of at most about `LONGEST_SIDE`."""
    takes = recipe.network.takes
    sides = [next(n for n in range(min(LONGEST_SIDE, most), most + 1) if takes(n)) for most in recipe.crop]
    images = torch.rand(1, 2, *sides[::-1], generator=torch.Generator().manual_seed(0))
    return images.to(next(model.parameters()).device)


def _tried(model: RegistrationNetwork, images: Tensor, low: bool) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs of a copy of the model, and the gradients of its kernels; biases before a norm have none."""
    torch.manual_seed(0)
    tried = copy.deepcopy(model).train().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
        outputs = _parts(tried(images.to(memory_format=torch.channels_last_3d)))
    loss = sum((torch.randn_like(o) * o).sum() / o.detach().norm().clamp_min(1e-30) for o in outputs)
    kernels = [weights for weights in tried.parameters() if weights.dim() > 1]
    gradients = torch.autograd.grad(loss, kernels, allow_unused=True)
    return outputs, [torch.zeros(()) if g is None else g for g in gradients]


def _parts(output: Any) -> list[Tensor]:
    """The tensors of what a network gives, in float32."""
    return [part.float() for part in (output if isinstance(output, tuple) else (output,))]


def _close(found: list[Tensor], right: list[Tensor], largest: float) -> bool:
    pairs = zip(found, right, strict=True)
    return all(float((a - b).detach().norm()) <= largest * float(b.detach().norm()) for a, b in pairs)
