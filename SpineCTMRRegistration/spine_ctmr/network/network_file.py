"""A network on disk: `<name>.json` describes and secures `<name>.onnx` and `<name>.safetensors`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..json_files import read_json
from .find_network import WEIGHT_KINDS
from .preprocessing import PREPROCESSING

FORMAT_VERSION = 3
SPACINGS_MM = (0.25, 16.0)
"""Of grids on which a network can work."""
LOOK_SCALES = (0.5, 2.0)
"""Within which a network may see things smaller or larger than it learned them."""


@dataclass(frozen=True)
class NetworkCard:
    """What is known about a trained network.

    Attributes:
        name: of the network and of its files.
        spacing_mm: isotropic spacing of the grid it works on; its velocity has twice this spacing.
        network: kind of the network and its options, as in a recipe's table [network].
        onnx_sha256: hash of the ONNX file; empty for a network without one, which torch runs.
        safetensors_sha256: hash of the safetensors file.
        preprocessing: how the intensities were scaled.
        training: recipe, steps and data it was trained with.
        accuracy: measured errors by name, units in the names.
        look_scale: spacing of the grid on which a registration shows it the spine to place vertebrae, over
            `spacing_mm`; below 1 it sees all larger than it learned it.
        format_version: of this description.
    """

    name: str
    spacing_mm: float
    network: dict[str, Any]
    onnx_sha256: str
    safetensors_sha256: str
    preprocessing: dict[str, Any] = field(default_factory=lambda: dict(PREPROCESSING))
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)
    look_scale: float = 1.0
    format_version: int = FORMAT_VERSION

    @property
    def weight_kinds(self) -> tuple[str, ...]:
        """Those of `WEIGHT_KINDS` that the network has."""
        return WEIGHT_KINDS if self.onnx_sha256 else WEIGHT_KINDS[1:]

    def sha256(self, kind: str) -> str:
        """Hash of the weights of one of `WEIGHT_KINDS`."""
        return self.onnx_sha256 if kind == "onnx" else self.safetensors_sha256

    @property
    def identity(self) -> dict[str, str]:
        """Its name, and the hashes of its weights."""
        return {"name": self.name, **{f"{kind}_sha256": self.sha256(kind) for kind in self.weight_kinds}}

    @property
    def learned_affinely(self) -> bool:
        """Whether an affine registration came before it in its training."""
        return bool(self.training.get("recipe", {}).get("data", {}).get("affine", False))

    def require_ct_and_mr(self) -> None:
        """Refuse a network that learned something else than CT and MR.

        Raises:
            InputError: it learned pairs of single vertebrae.
        """
        if self.training.get("recipe", {}).get("vertebrae") is not None:
            raise InputError(
                f"The network '{self.name}' learned pairs of single CT vertebrae, not CT and MR; "
                "choose another."
            )


def write_card(card: NetworkCard, folder: Path) -> Path:
    """Write `<name>.json` and return its path."""
    path = folder / f"{card.name}.json"
    path.write_text(json.dumps(dataclasses.asdict(card), indent=2) + "\n", encoding="utf-8")
    return path


def read_card(path: Path) -> NetworkCard:
    """Read and check a network's description."""
    values = read_json(path, "choose the network's .json file")
    version = values.get("format_version") if isinstance(values, dict) else None
    if type(version) is int and version > FORMAT_VERSION:
        raise InputError(f"{path}: made for a newer version of this program; update it.")
    values = _migrated(values, version) if version in (1, 2) else values
    if type(version) is not int or version < 1 or not _complete(values):
        raise InputError(f"{path}: not a network description; choose the network's .json file.")
    card = NetworkCard(**values)
    if card.preprocessing != PREPROCESSING:
        raise InputError(f"{path}: needs a preprocessing that this version lacks; update the program.")
    return card


def read_weights(card: NetworkCard, folder: Path, kind: str) -> bytes:
    """Content of the weight file of one of `WEIGHT_KINDS`, after checking its hash."""
    path = folder / f"{card.name}.{kind}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the network's weights cannot be read; restore the file.") from error
    if hashlib.sha256(content).hexdigest() != card.sha256(kind):
        raise InputError(f"{path}: damaged or replaced (wrong SHA-256); restore the file.")
    return content


def _migrated(values: dict[str, Any], version: int) -> dict[str, Any]:
    """A description of format 1, which knew one kind of network, or 2, without `look_scale`, as one of 3."""
    rest = {key: value for key, value in values.items() if key != "velocity_scale_mm"}
    if version == 1:
        rest["network"] = {"kind": "velocity_unet", "velocity_scale_mm": values.get("velocity_scale_mm")}
    return {**rest, "look_scale": 1.0, "format_version": FORMAT_VERSION}


def _complete(values: dict[str, Any]) -> bool:
    fields = dataclasses.fields(NetworkCard)
    texts = ("name", "safetensors_sha256")
    tables = ("network", "preprocessing", "training", "accuracy")
    return (
        {f.name for f in fields} == set(values)
        and all(isinstance(values[key], str) and values[key] for key in texts)
        and isinstance(values["onnx_sha256"], str)
        and all(isinstance(values[key], dict) for key in tables)
        and isinstance(values["network"].get("kind"), str)
        and _positive(values["spacing_mm"])
        and SPACINGS_MM[0] <= values["spacing_mm"] <= SPACINGS_MM[1]
        and _positive(values["network"].get("velocity_scale_mm", 1.0))
        and _positive(values["look_scale"])
        and LOOK_SCALES[0] <= values["look_scale"] <= LOOK_SCALES[1]
    )


def _positive(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(str(value))) and float(str(value)) > 0
