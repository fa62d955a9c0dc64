"""A stage on its device, and what happens where that has too little memory."""

from __future__ import annotations

import pytest
import torch
from pretended_gpu import GPU, PretendedGpu
from spine_ctmr.process.device import Processor, torch_device


@pytest.mark.parametrize(
    ("choice", "there", "found"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cuda", True, "cuda"),
        ("cuda", False, "cpu"),
        ("cpu", True, "cpu"),
    ],
)
def test_choice(choice: str, there: bool, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert torch_device(choice) == found


def test_full_gpu_leaves_the_stage_to_the_cpu() -> None:
    notices: list[str] = []

    def work(device: str) -> torch.Tensor:
        return torch.arange(1000.0, device=device) * 2

    with PretendedGpu(memory_bytes=100):
        made = Processor(GPU.type, notices.append).run("the work", work)
    assert torch.equal(made, 2 * torch.arange(1000.0))
    assert notices == ["The GPU has too little free memory for the work, which ran on the CPU instead."]


@pytest.mark.parametrize(("device", "error"), [("cpu", MemoryError()), ("cuda", RuntimeError("illegal"))])
def test_other_failures_are_not_hidden(device: str, error: Exception) -> None:
    def fails(where: str) -> None:
        raise error

    notices: list[str] = []
    with pytest.raises(type(error)):
        Processor(device, notices.append).run("the work", fails)
    assert notices == []


@pytest.mark.parametrize(
    "mix",
    [
        lambda here, there: here + there,
        lambda here, there: torch.cat([there, here]),
        lambda here, there: there[here > 0],
        lambda here, there: here.index_put_((torch.arange(3),), there),
        lambda here, there: here.numpy(),
        lambda here, there: there.mul_(here),
    ],
)
def test_the_pretended_gpu_refuses_mixed_devices(mix: object) -> None:
    with PretendedGpu(), pytest.raises(RuntimeError):
        mix(torch.ones(3).to(GPU), torch.ones(3))  # type: ignore[operator]


def test_the_pretended_gpu_computes_as_the_cpu_does() -> None:
    with PretendedGpu() as gpu:
        values = torch.tensor([3.0, 1, 2], device=GPU)
        values[1:] += 4
        values[torch.tensor([0])] = 7.0
        found = values.sort().values.cpu()
    assert found.tolist() == [5, 6, 7]
    assert "sort" in gpu.done
