"""A network file is read as written, and refused in one sentence when anything is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.network.network_file import (
    NetworkCard,
    read_card,
    read_weights,
    write_card,
)

NETWORK = {"kind": "velocity_unet", "velocity_scale_mm": 5.0}
CARD = NetworkCard("net", 2.0, NETWORK, "0" * 64, "1" * 64, training={"steps": 3}, accuracy={"bone_mm": 1.5})


def changed(folder: Path, **values: Any) -> Path:
    path = write_card(CARD, folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return path


def test_round_trip(tmp_path: Path) -> None:
    assert read_card(write_card(CARD, tmp_path)) == CARD


def test_description_of_the_first_format_is_migrated(tmp_path: Path) -> None:
    path = write_card(CARD, tmp_path)
    first = {**json.loads(path.read_text()), "format_version": 1, "velocity_scale_mm": 5.0}
    del first["network"], first["look_scale"]
    path.write_text(json.dumps(first))
    assert read_card(path) == CARD


def test_description_of_the_second_format_sees_what_it_learned(tmp_path: Path) -> None:
    path = write_card(CARD, tmp_path)
    second = {**json.loads(path.read_text()), "format_version": 2}
    del second["look_scale"]
    path.write_text(json.dumps(second))
    assert read_card(path) == CARD
    assert CARD.look_scale == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format_version": 4}, "newer version"),
        ({"format_version": "2"}, "not a network description"),
        ({"spacing_mm": -1}, "not a network description"),
        ({"spacing_mm": "2"}, "not a network description"),
        ({"network": {}}, "not a network description"),
        ({"network": {"kind": "velocity_unet", "velocity_scale_mm": 0}}, "not a network description"),
        ({"look_scale": 0.1}, "not a network description"),
        ({"look_scale": "1"}, "not a network description"),
        ({"surprise": 1}, "not a network description"),
        ({"preprocessing": {"ct_range_hu": [0, 1]}}, "preprocessing"),
    ],
)
def test_unusable_card(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_card(changed(tmp_path, **values))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00"])
def test_other_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json.*; choose the network.s \.json file"):
        read_card(tmp_path / "a.json")


def test_missing_card(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_card(tmp_path / "none.json")


def test_missing_and_damaged_weights(network_folder: Path, tmp_path: Path) -> None:
    card = read_card(network_folder / "lively.json")
    content = read_weights(card, network_folder, "onnx")
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(card, tmp_path, "onnx")
    (tmp_path / "lively.onnx").write_bytes(content[:-1] + b"?")
    with pytest.raises(InputError, match="SHA-256"):
        read_weights(card, tmp_path, "onnx")
