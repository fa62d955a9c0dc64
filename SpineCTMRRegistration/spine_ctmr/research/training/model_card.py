"""The model card of an exported network: a page in Markdown whose every figure is read from a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...json_files import read_json
from ...network.network_file import NetworkCard

MUST_NOT = """\
- It is no medical device. Do not base a diagnosis, a plan or a treatment on its output.
- Do not use its field as it is: it does not keep bone rigid. `spine-ctmr register` refines every vertebra
  on the images, keeps it exactly rigid and says per vertebra whether the result may be trusted.
- Do not use it for anything but CT and MR of the same human spine, CT in Hounsfield units.
- Anatomy, implants, diseases and scanners that its training data lacks are not covered by these figures."""


def model_card(card: NetworkCard, parameters: int, measured: Sequence[Path]) -> str:
    """The page.

    Args:
        card: of the exported network.
        parameters: number of trained weights.
        measured: JSON files of further measurements, each a record or a list of records of plain values.

    Raises:
        InputError: a file of measurements cannot be read.
    """
    training = card.training
    lines = [
        f"# {card.name}",
        "",
        "Gives the motion between an MR and a CT of the same spine, after a rigid start. For research use.",
        "",
        f"- Network: `{card.network['kind']}`, {parameters:,} weights, grid of {card.spacing_mm:g} mm",
        *_look(card),
        f"- Intensities: `{json.dumps(card.preprocessing)}`",
        *(f"- SHA-256 of `{card.name}.{kind}`: `{card.sha256(kind)}`" for kind in card.weight_kinds),
        "",
        "## What it was trained on",
        "",
        f"{training['data']}. Best of the validations, after step {training['steps']} of {_steps(training)}"
        f"{_begun(training)}.",
        "",
        "```json",
        json.dumps(training["recipe"], indent=2),
        "```",
        "",
        "## How well it does alone",
        "",
        "Means over the held-out pairs of its training:",
        "",
        *_validation(card.accuracy),
        "",
        *_measurements(measured),
        "## What it must not be used for",
        "",
        MUST_NOT,
    ]
    return "\n".join(lines) + "\n"


def _validation(accuracy: Mapping[str, float]) -> list[str]:
    """What the training's validations measured, beside the start before the network's motion."""
    rows = [
        {
            "mean error of the motion, mm": name,
            "with the network": accuracy[f"validation_{key}"],
            "without": accuracy[f"validation_zero_{key}"],
        }
        for name, key in (("bone", "bone_mm"), ("soft tissue", "soft_mm"))
        if f"validation_{key}" in accuracy
    ]
    dice = accuracy.get("validation_dice")
    overlap = [] if dice is None else ["", f"Dice of the vertebrae, moved by the network: {_cell(dice)}."]
    return [*(table(rows) if rows else ["The true motion is not known."]), *overlap]


def table(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a Markdown table of records; values that are no text or number are left out."""
    columns = _plain(records[0]) if records else []
    rows = [[_cell(record.get(column)) for column in columns] for record in records]
    return [
        f"| {' | '.join(column.replace('_', ' ') for column in columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _plain(record: Mapping[str, Any]) -> list[str]:
    """Keys of its numbers and texts."""
    return [key for key, value in record.items() if isinstance(value, str | int | float)]


def _measurements(files: Sequence[Path]) -> list[str]:
    if not files:
        return ["Phantoms of whole scans and real patients: not measured.", ""]
    return [line for path in files for line in (f"{path.stem}:", "", *table(_records(path)), "")]


def _records(path: Path) -> list[dict[str, Any]]:
    values = read_json(path, "give a JSON file of measurements")
    records = values if isinstance(values, list) else [values]
    if not records or not all(isinstance(record, dict) and _plain(record) for record in records):
        raise InputError(
            f"{path}: holds no records of numbers and texts; give a JSON object or a list of them."
        )
    return records


def _look(card: NetworkCard) -> list[str]:
    if card.look_scale == 1:
        return []
    spacing_mm = card.look_scale * card.spacing_mm
    return [f"- To place vertebrae, a registration shows it the spine on a grid of {spacing_mm:g} mm"]


def _begun(training: Mapping[str, Any]) -> str:
    return f"; it began with the weights of {training['began_with']}" if "began_with" in training else ""


def _steps(training: Mapping[str, Any]) -> int:
    return int(training["recipe"]["steps"])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "–"
    return "–" if value is None else str(value)
