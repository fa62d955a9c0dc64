"""bfloat16 is used only where it gives what float32 gives; the processors here are simulated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from spine_ctmr.network.unet import VelocityUNet
from spine_ctmr.research.training import precision as precision_module
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.precision import FELL_BACK, TRIALS, computes_bfloat16, uses_bfloat16
from spine_ctmr.research.training.run_log import read_log
from spine_ctmr.research.training.trainer import train
from torch import Tensor

from .toy import RECIPE, Translations

LOW = replace(RECIPE, precision="bfloat16", steps=3)
IMAGES = torch.rand(1, 2, 16, 16, 16, generator=torch.Generator().manual_seed(3))
Processor = Callable[[Tensor], Tensor]


def rounding(values: Tensor) -> Tensor:
    """What a sound processor does, to the network's output alone."""
    return values.bfloat16()


def wrong_values(values: Tensor) -> Tensor:
    return values.bfloat16() * torch.linspace(0.5, 1.5, values.shape[-1])


def wrong_gradients(values: Tensor) -> Tensor:
    """The right values with twice their gradient."""
    return values.detach() + 2 * (values - values.detach())


def nothing_at_all(values: Tensor) -> Tensor:
    return values * torch.nan


def wrong_at_the_second_time() -> Processor:
    calls = itertools.count()
    return lambda values: (wrong_values if next(calls) % 2 else rounding)(values)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Processor], None]:
    """Lets networks compute on a processor whose bfloat16 is given."""
    plain = VelocityUNet.forward

    def use(processor: Processor) -> None:
        def forward(model: VelocityUNet, images: Tensor) -> Tensor:
            low = torch.is_autocast_enabled("cpu")
            with torch.autocast("cpu", enabled=False):
                values = plain(model, images)
            return processor(values) if low else values

        monkeypatch.setattr(VelocityUNet, "forward", forward)
        monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: True)

    return use


def losses(run: Path) -> list[float]:
    return [float(row["loss"]) for row in read_log(run / "steps.csv")]


def trained(run: Path, precision: str) -> tuple[list[float], Sequence[str]]:
    """Losses of a short run, and what was said."""
    said: list[str] = []
    train(replace(LOW, precision=precision), run, Translations(), warn=said.append)
    return losses(run), said


@pytest.mark.parametrize(
    "processor",
    [wrong_values, wrong_gradients, nothing_at_all, wrong_at_the_second_time()],
    ids=["values", "gradients", "NaN", "second time"],
)
def test_faulty_processor_is_found(on: Callable[[Processor], None], processor: Processor) -> None:
    on(processor)
    assert not computes_bfloat16(VelocityUNet(), IMAGES)


def test_sound_processor_is_used_and_the_check_leaves_no_trace(on: Callable[[Processor], None]) -> None:
    on(rounding)
    model = VelocityUNet()
    before, seed = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    with torch.inference_mode():
        assert computes_bfloat16(model, IMAGES)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(weights.grad is None for weights in model.parameters())
    assert torch.equal(seed, torch.get_rng_state())


def test_network_is_tried_once_and_only_for_bfloat16(on: Callable[[Processor], None]) -> None:
    seen: list[Tensor] = []

    def watching(values: Tensor) -> Tensor:
        seen.append(values)
        return rounding(values)

    on(watching)
    model = VelocityUNet()
    assert not uses_bfloat16(replace(LOW, precision="float32"), model)
    assert not seen
    assert uses_bfloat16(LOW, model)
    assert len(seen) == TRIALS > 1
    assert uses_bfloat16(LOW, model)
    assert len(seen) == TRIALS


def test_bfloat16_is_not_tried_where_the_processor_only_imitates_it(
    on: Callable[[Processor], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(rounding)
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: device != "cpu")
    assert not uses_bfloat16(LOW, VelocityUNet())


@pytest.mark.slow
def test_training_falls_back_to_float32_and_says_so(on: Callable[[Processor], None], tmp_path: Path) -> None:
    on(wrong_values)
    found, said = trained(tmp_path / "low", "bfloat16")
    assert said == [FELL_BACK]
    assert found == trained(tmp_path / "full", "float32")[0]
    assert [row["bfloat16"] for row in read_log(tmp_path / "low" / "steps.csv")] == ["0"] * LOW.steps
    on(rounding)
    longer = replace(LOW, steps=LOW.steps + 1)
    train(longer, tmp_path / "low", Translations(), resume=True, warn=said.append)
    assert [row["bfloat16"] for row in read_log(tmp_path / "low" / "steps.csv")] == [*"000", "1"]
    assert said == [FELL_BACK]


@pytest.mark.slow
def test_training_on_a_sound_processor_uses_bfloat16(on: Callable[[Processor], None], tmp_path: Path) -> None:
    on(rounding)
    found, said = trained(tmp_path / "low", "bfloat16")
    right = trained(tmp_path / "full", "float32")[0]
    assert not said
    assert found == pytest.approx(right, rel=2**-8)
    assert found != right
    assert [row["bfloat16"] for row in read_log(tmp_path / "low" / "steps.csv")] == ["1"] * LOW.steps


@pytest.mark.slow
def test_bfloat16_learns_nearly_the_same(tmp_path: Path) -> None:
    """On this machine, whatever its bfloat16 is worth: it is used, or it is told that it is not."""
    found, said = trained(tmp_path / "low", "bfloat16")
    right = trained(tmp_path / "full", "float32")[0]
    layers = 11
    assert found == (right if said else pytest.approx(right, rel=layers * 2**-8))
    assert (found == right) == (said == [FELL_BACK])
    weights = load_state(tmp_path / "low" / "last.pt")["model"]
    assert all(value.dtype == torch.float32 for value in weights.values())


def test_python_user_is_warned(on: Callable[[Processor], None], tmp_path: Path) -> None:
    on(wrong_values)
    with pytest.warns(UserWarning, match="in bfloat16 than in float32"):
        train(replace(LOW, steps=1), tmp_path, Translations())
