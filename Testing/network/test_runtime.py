"""Both runtimes give the same field; the device is chosen honestly."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network import runtime
from spine_ctmr.network.network_file import read_card, read_weights
from spine_ctmr.network.onnx_network import OnnxRuntimeNetwork
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network.torch_network import TorchNetwork

from .conftest import lively_network

IMAGES = np.random.default_rng(1).random((2, 32, 16, 48), np.float32)


def torch_network(folder: Path) -> TorchNetwork:
    card = read_card(folder / "lively.json")
    return TorchNetwork(card, read_weights(card, folder, "safetensors"))


def test_onnxruntime_and_torch_agree_with_the_trained_network(network_folder: Path) -> None:
    with torch.inference_mode():
        expected = lively_network()(torch.from_numpy(IMAGES)[None])[0].numpy()
    assert np.abs(expected).max() > 1
    network = load_network(network_folder, "cpu", threads=1)
    assert isinstance(network, OnnxRuntimeNetwork)
    np.testing.assert_allclose(network.velocity(IMAGES), expected, atol=1e-4)
    np.testing.assert_allclose(torch_network(network_folder).velocity(IMAGES), expected, atol=1e-4)


def test_result_does_not_depend_on_the_thread_count(network_folder: Path) -> None:
    one, two = (load_network(network_folder, "cpu", threads=n).velocity(IMAGES) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_torch_is_not_imported_for_onnxruntime(network_folder: Path) -> None:
    code = (
        "import sys, numpy as np, pathlib;"
        "from spine_ctmr.network.runtime import load_network;"
        "from spine_ctmr.network.blocks import predict_velocity;"
        "from spine_ctmr.network.preprocessing import scale_mr;"
        "assert 'onnxruntime' not in sys.modules;"
        "n = load_network(pathlib.Path(sys.argv[1]), 'cpu');"
        "predict_velocity(n, np.zeros((16,)*3), np.zeros((16,)*3));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(network_folder)], timeout=60).returncode == 0


def test_without_onnxruntime_torch_is_used(network_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    assert isinstance(load_network(network_folder), TorchNetwork)


def test_device_is_checked(network_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="unknown; choose"):
        load_network(network_folder, "gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(runtime, "_onnx_offers_cuda", lambda: False)
    with pytest.raises(InputError, match="no usable CUDA device"):
        load_network(network_folder, "cuda")
    assert load_network(network_folder, "auto").device == "cpu"


def test_unusable_cuda_provider_falls_back_only_for_auto(
    network_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_driver(self: OnnxRuntimeNetwork) -> Any:
        if self.device == "cuda":
            raise InputError("no CUDA")
        return start(self)

    start = OnnxRuntimeNetwork._start
    monkeypatch.setattr(OnnxRuntimeNetwork, "_start", no_driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(runtime, "_onnx_offers_cuda", lambda: True)
    assert load_network(network_folder, "auto").device == "cpu"
    with pytest.raises(InputError, match="no usable CUDA"):
        load_network(network_folder, "cuda")


class FullGpu:
    """A session or model whose GPU memory is exhausted."""

    def __init__(self, message: str) -> None:
        self.message = message

    def run(self, *_: Any) -> Any:
        raise RuntimeError(self.message)


def test_out_of_memory_goes_on_with_the_cpu(network_folder: Path) -> None:
    notices: list[str] = []
    network = load_network(network_folder, "cpu", notice=notices.append)
    assert isinstance(network, OnnxRuntimeNetwork)
    expected = network.velocity(IMAGES)
    network.device, network._session = "cuda", FullGpu("CUDA failure 2: out of memory")
    np.testing.assert_allclose(network.velocity(IMAGES), expected, atol=1e-5)
    assert network.device == "cpu"
    assert len(notices) == 1
    assert "CPU" in notices[0]


def test_torch_out_of_memory_goes_on_with_the_cpu(
    network_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[str] = []
    network = torch_network(network_folder)
    expected = network.velocity(IMAGES)
    run = network._run
    network.device, network._notice = "cuda", notices.append

    def full_at_first(images: Any) -> Any:
        if network.device == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return run(images)

    monkeypatch.setattr(network, "_run", full_at_first)
    np.testing.assert_allclose(network.velocity(IMAGES), expected, atol=1e-5)
    assert (network.device, len(notices)) == ("cpu", 1)


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.999])
def test_damaged_weights_that_the_card_vouches_for_are_named(
    network_folder: Path, tmp_path: Path, cut: float
) -> None:
    """No word of a library: the file, the problem and the mend."""
    values = json.loads((network_folder / "lively.json").read_text())
    for kind in ("onnx", "safetensors"):
        content = (network_folder / f"lively.{kind}").read_bytes()
        damaged = content[: int(cut * len(content))] + b"\xff" * 40
        (tmp_path / f"lively.{kind}").write_bytes(damaged)
        values[f"{kind}_sha256"] = hashlib.sha256(damaged).hexdigest()
        if kind == "safetensors":
            values["onnx_sha256"] = ""
        (tmp_path / "lively.json").write_text(json.dumps(values))
        with pytest.raises(InputError) as refused:
            load_network(tmp_path, "cpu")
        problem = "its content is no network that can be run, or is damaged; restore the file."
        assert str(refused.value) == f"{tmp_path / 'lively'}.{kind}: {problem}"


def test_other_failures_are_not_hidden(network_folder: Path) -> None:
    network = load_network(network_folder, "cpu")
    assert isinstance(network, OnnxRuntimeNetwork)
    network.device, network._session = "cuda", FullGpu("illegal instruction")
    with pytest.raises(RuntimeError, match="illegal"):
        network.velocity(IMAGES)
