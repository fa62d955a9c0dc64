"""Training recipes: what a network is trained with, in a TOML file."""

from __future__ import annotations

import dataclasses
import difflib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..network.unet import SIZE_MULTIPLE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("cosine", "exponential")
_POSITIVE = (
    *("spacing_mm", "batch", "steps", "learning_rate", "decay_interval", "gradient_clip"),
    *("velocity_scale_mm", "validation_interval", "checkpoint_interval"),
)


@dataclass(frozen=True)
class LossWeights:
    """Weight of each loss term; 0 leaves the term out.

    Attributes:
        displacement: error of the displacement in mm, everywhere.
        bone_displacement: the same in bone.
        smoothness: diffusion of the velocity field.
        mind: MIND-SSC difference of the MR and the warped CT.
        dice: 1 - Dice of the bone.
        rigid_field: squared distance to the best rigid motion per vertebra, mm^2 (Jian eq. 4).
        properness: (det J - 1)^2 per vertebra (Jian eq. 6).
        orthonormality: squared Frobenius norm of J^T J - I per vertebra (Jian eq. 7).
    """

    displacement: float = 1.0
    bone_displacement: float = 1.0
    smoothness: float = 0.05
    mind: float = 0.0
    dice: float = 0.0
    rigid_field: float = 0.0
    properness: float = 0.0
    orthonormality: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run computes, apart from the data.

    Attributes:
        name: of the network.
        spacing_mm: isotropic spacing of the network's grid.
        crop: voxels (x, y, z) of a training sample.
        batch: samples per step.
        steps: in the whole run.
        learning_rate: of Adam after the warm-up.
        schedule: "cosine" down to `final_learning_rate`, or "exponential": times `decay` every
            `decay_interval` steps.
        final_learning_rate: at the last step of the cosine.
        decay: factor of the exponential schedule.
        decay_interval: steps between two decays.
        warmup: steps of linear increase from 0.
        ema_decay: of the exponential moving average of the weights.
        gradient_clip: largest gradient norm.
        seed: of the initial weights and of the data.
        velocity_scale_mm: constant factor of the network's output.
        precision: "float32", or "bfloat16" autocast.
        validation_interval: steps between validations.
        checkpoint_interval: steps between checkpoints.
        loss: weights of the loss terms.
    """

    name: str
    spacing_mm: float = 2.0
    crop: tuple[int, int, int] = (64, 64, 128)
    batch: int = 1
    steps: int = 8000
    learning_rate: float = 3e-4
    schedule: str = "cosine"
    final_learning_rate: float = 1e-6
    decay: float = 0.999
    decay_interval: int = 100
    warmup: int = 100
    ema_decay: float = 0.999
    gradient_clip: float = 1.0
    seed: int = 0
    velocity_scale_mm: float = 5.0
    precision: str = "float32"
    validation_interval: int = 250
    checkpoint_interval: int = 100
    loss: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        _check(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the TOML file."""
        return dataclasses.asdict(self)


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the recipe cannot be read; check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a valid TOML file ({error}); correct it.") from error
    try:
        return recipe_of(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def recipe_of(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values, as `Recipe.to_dict` gives them."""
    values = dict(values)
    _refuse_unknown(values, Recipe, "")
    loss = values.pop("loss", {})
    if not isinstance(loss, dict):
        raise InputError("recipe key 'loss' must be a table of weights; write it as [loss].")
    _refuse_unknown(loss, LossWeights, "loss.")
    if "name" not in values:
        raise InputError("the recipe has no 'name'; add one.")
    if isinstance(values.get("crop"), list):
        values["crop"] = tuple(values["crop"])
    return Recipe(**values, loss=LossWeights(**loss))


def _refuse_unknown(values: dict[str, Any], kind: type, prefix: str) -> None:
    known = [f.name for f in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise InputError(f"unknown recipe key '{prefix}{key}'; did you mean '{prefix}{near}'?")


def _check(recipe: Recipe) -> None:
    """Raise InputError for the first value of the wrong type or range."""
    _check_types(recipe, "")
    _check_types(recipe.loss, "loss.")
    crop = recipe.crop
    rules = {
        "name": bool(recipe.name) and not set(recipe.name) & set("/\\:"),
        "crop": len(crop) == 3 and all(type(n) is int and n > 0 and n % SIZE_MULTIPLE == 0 for n in crop),
        "precision": recipe.precision in PRECISIONS,
        "schedule": recipe.schedule in SCHEDULES,
        "decay": 0 < recipe.decay <= 1,
        "ema_decay": 0 <= recipe.ema_decay < 1,
        "warmup": recipe.warmup >= 0,
        "seed": recipe.seed >= 0,
        "final_learning_rate": recipe.final_learning_rate >= 0,
    }
    rules.update({name: getattr(recipe, name) > 0 for name in _POSITIVE})
    rules.update({f"loss.{k}": v >= 0 for k, v in dataclasses.asdict(recipe.loss).items()})
    for name, good in rules.items():
        if not good:
            raise InputError(f"recipe key '{name}' has an unusable value; it must be {_wanted(name)}.")


def _wanted(name: str) -> str:
    special = {
        "name": "a name without / \\ :",
        "crop": f"three multiples of {SIZE_MULTIPLE} in (x, y, z) order",
        "precision": " or ".join(PRECISIONS),
        "schedule": " or ".join(SCHEDULES),
        "decay": "above 0 and at most 1",
        "ema_decay": "at least 0 and below 1",
    }
    at_least_zero = name.startswith("loss.") or name in ("warmup", "seed", "final_learning_rate")
    return special.get(name, "0 or more" if at_least_zero else "above 0")


def _check_types(values: Recipe | LossWeights, prefix: str) -> None:
    kinds = {"int": (int,), "float": (int, float), "str": (str,), "tuple[int, int, int]": (tuple,)}
    for item in dataclasses.fields(values):
        value = getattr(values, item.name)
        expected = kinds.get(str(item.type))
        if expected and (not isinstance(value, expected) or isinstance(value, bool)):
            raise InputError(f"recipe key '{prefix}{item.name}' must be {item.type}, not {value!r}.")
