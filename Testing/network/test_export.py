from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from SpineCTMRRegistrationLib.errors import InputError
from SpineCTMRRegistrationLib.network.network_file import read_card
from SpineCTMRRegistrationLib.network.unet import VelocityUNet
from SpineCTMRRegistrationLib.training.export import check_agreement, export


def test_onnx_file_is_plain_and_self_contained(network_folder: Path) -> None:
    content = (network_folder / "lively.onnx").read_bytes()
    model = onnx.load_from_string(content)
    assert {o.domain: o.version for o in model.opset_import} == {"": 18}
    assert all(d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim[2:])
    assert {n.op_type for n in model.graph.node} == {
        "Conv",
        "LeakyRelu",
        "MaxPool",
        "Resize",
        "Concat",
        "Mul",
    }
    assert not any(t.external_data for t in model.graph.initializer)
    assert {p.name for p in network_folder.iterdir()} == {
        f"lively.{e}" for e in ("json", "onnx", "safetensors")
    }


def test_card_tells_the_training(network_folder: Path) -> None:
    card = read_card(network_folder / "lively.json")
    assert card.spacing_mm == 2.0
    assert card.training["steps"] == 7
    assert card.training["recipe"]["name"] == "lively"
    assert card.accuracy["validation_bone_mm"] == 1.0
    assert json.loads((network_folder / "lively.json").read_text())["format_version"] == 2


def test_other_weights_are_noticed(network_folder: Path) -> None:
    other = VelocityUNet().eval()
    with pytest.raises(InputError, match="differs"):
        check_agreement(other, network_folder / "lively.json")


def test_run_without_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such checkpoint"):
        export(tmp_path, tmp_path, "x")
