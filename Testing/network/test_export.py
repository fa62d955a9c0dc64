from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from spine_ctmr.command.main import main
from spine_ctmr.errors import InputError
from spine_ctmr.network.network_file import read_card, write_card
from spine_ctmr.network.unet import VelocityUNet
from spine_ctmr.network.vanulsen import VanUlsenOptions
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.export import check_agreement, export
from spine_ctmr.research.training.model_card import model_card
from spine_ctmr.research.training.onnx_graph import onnx_content, require_plain
from spine_ctmr.research.training.recipe import Recipe


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
        f"lively.{e}" for e in ("json", "md", "onnx", "safetensors")
    }


def test_card_tells_the_training(network_folder: Path) -> None:
    card = read_card(network_folder / "lively.json")
    assert card.spacing_mm == 2.0
    assert card.training["steps"] == 7
    assert card.training["recipe"]["name"] == "lively"
    assert card.accuracy["validation_bone_mm"] == 1.0
    assert json.loads((network_folder / "lively.json").read_text())["format_version"] == 3


def test_the_scale_of_its_looks_is_written_and_told(network_folder: Path, tmp_path: Path) -> None:
    card = replace(read_card(network_folder / "lively.json"), look_scale=0.8)
    assert read_card(write_card(card, tmp_path)).look_scale == 0.8
    assert "shows it the spine on a grid of 1.6 mm" in model_card(card, 1, [])
    assert "shows it the spine" not in (network_folder / "lively.md").read_text()


@pytest.mark.parametrize("scale", ["0", "nan", "half", "3"])
def test_a_scale_of_no_use_is_refused(
    network_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: str
) -> None:
    output = tmp_path / "out"
    assert main(["export", str(network_folder), "--output", str(output), "--look-scale", scale]) == 2
    assert f"'{scale}' is no share from 0.5 to 2" in capsys.readouterr().err
    assert not output.exists()


def test_other_weights_are_noticed(network_folder: Path) -> None:
    other = VelocityUNet().eval()
    with pytest.raises(InputError, match="differs"):
        check_agreement(other, network_folder / "lively.json")


def test_only_networks_with_an_onnx_form_need_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match="pip install onnx"):
        onnx_content(VelocityUNet())
    recipe = Recipe("small", network=VanUlsenOptions())
    best = {"weights": recipe.network.build().state_dict(), "step": 1, "errors": {}, "data": "Nothing"}
    save_atomically({**best, "recipe": json.dumps(recipe.to_dict())}, tmp_path / "best.pt")
    card = read_card(export(tmp_path, tmp_path / "network"))
    assert card.weight_kinds == ("safetensors",)


def test_folder_with_files_is_refused_without_an_option_that_does_not_exist(
    network_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(network_folder.iterdir())
    assert main(["export", str(network_folder), "--output", str(network_folder)]) == 2
    sentence = capsys.readouterr().err
    assert "is not empty" in sentence
    assert "--overwrite" not in sentence
    assert sorted(network_folder.iterdir()) == before


def test_run_without_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such checkpoint"):
        export(tmp_path, tmp_path, "x")


def test_model_card_reads_its_figures_from_the_files(network_folder: Path, tmp_path: Path) -> None:
    card = read_card(network_folder / "lively.json")
    measured = tmp_path / "real_pair.json"
    measured.write_text(json.dumps([{"case": "A", "landmark_error_mm": 1.2345, "points": [1, 2]}]))
    page = model_card(card, 1_000_163, [measured])
    for text in (
        *("Nothing.", "after step 7 of 8000", "1,000,163 weights", card.onnx_sha256),
        *("| with the network | without |", "| bone | 1 | 3 |", "| soft tissue | 2 | 4 |"),
        *("real_pair:", "| case | landmark error mm |", "| A | 1.23 |", "no medical device"),
    ):
        assert text in page
    assert "not measured" not in page
    assert "not measured" in (network_folder / "lively.md").read_text()
    assert "began with" not in page
    begun = replace(card, training={**card.training, "began_with": "older.safetensors (SHA-256 12)"})
    assert "after step 7 of 8000; it began with the weights of older.safetensors (SHA-256 12)." in model_card(
        begun, 1, []
    )


@pytest.mark.parametrize("content", ["[1]", "[]", '{"rows": [{"bone_mm": 1}]}', '[{"a": 1}, {}]'])
def test_unreadable_measurements_are_refused(network_folder: Path, tmp_path: Path, content: str) -> None:
    card = read_card(network_folder / "lively.json")
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match="holds no records"):
        model_card(card, 1, [tmp_path / "a.json"])
    with pytest.raises(InputError, match="cannot be read"):
        model_card(card, 1, [tmp_path / "none.json"])


def test_another_opset_or_operator_is_noticed(network_folder: Path) -> None:
    file = onnx.load(network_folder / "lively.onnx")
    file.opset_import[0].version = 20
    with pytest.raises(InputError, match="opsets"):
        require_plain(file.SerializeToString())
    file.opset_import[0].version = 18
    file.graph.node[0].op_type = "GridSample"
    with pytest.raises(InputError, match="GridSample"):
        require_plain(file.SerializeToString())
