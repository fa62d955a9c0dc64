"""Training resumes exactly, logs every step once and learns a known displacement."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from SpineCTMRRegistrationLib.errors import Cancelled, InputError
from SpineCTMRRegistrationLib.training.batch import Batch
from SpineCTMRRegistrationLib.training.checkpoint import load_state
from SpineCTMRRegistrationLib.training.recipe import LossWeights, Recipe
from SpineCTMRRegistrationLib.training.run_log import read_log
from SpineCTMRRegistrationLib.training.schedule import learning_rate, update_average
from SpineCTMRRegistrationLib.training.trainer import train

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower

RECIPE = Recipe(
    "toy",
    crop=(16, 16, 16),
    steps=6,
    warmup=2,
    learning_rate=1e-3,
    validation_interval=2,
    checkpoint_interval=2,
)


@dataclass
class Translations:
    """Random blobs moved by a random translation; a signal is sent when `signal_at` is sampled."""

    signal_at: int | None = None
    constant: bool = False

    def sample(self, step: int) -> Batch:
        if step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        generator = torch.Generator().manual_seed(step)
        image = torch.rand(1, 1, 16, 16, 16, generator=generator)
        shift = torch.randn(1, 3, 1, 1, 1, generator=generator)
        if self.constant:
            shift = torch.tensor([3.0, -2.0, 1.0]).reshape(1, 3, 1, 1, 1)
        bone = torch.zeros_like(image)
        bone[..., 4:12] = 1
        displacement = shift.expand(1, 3, 16, 16, 16)
        return Batch(image, 1 - image, displacement, bone, torch.ones_like(image), bone.long())

    def validation(self) -> Sequence[Batch]:
        return [replace(self).sample(999)]


def final(run: Path, part: str) -> dict[str, torch.Tensor]:
    return load_state(run / "last.pt")[part]


def test_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    train(RECIPE, tmp_path / "straight", Translations())
    with pytest.raises(Cancelled, match="after step 3"):
        train(RECIPE, tmp_path / "stopped", Translations(signal_at=2))
    train(RECIPE, tmp_path / "stopped", Translations(), resume=True)
    for part in ("model", "average"):
        expected, found = final(tmp_path / "straight", part), final(tmp_path / "stopped", part)
        assert all(torch.equal(expected[name], found[name]) for name in expected)
    columns = [[row[k] for k in ("step", "loss")] for row in read_log(tmp_path / "straight" / "steps.csv")]
    assert columns == [[row[k] for k in ("step", "loss")] for row in read_log(tmp_path / "stopped/steps.csv")]
    assert [row[0] for row in columns] == ["1", "2", "3", "4", "5", "6"]
    assert (tmp_path / "stopped" / "loss.png").stat().st_size > 1000


def test_killed_run_repeats_the_lost_steps(tmp_path: Path) -> None:
    class Killed(Translations):
        def sample(self, step: int) -> Batch:
            if step == 5:
                raise KeyboardInterrupt
            return super().sample(step)

    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, tmp_path / "killed", Killed())
    assert load_state(tmp_path / "killed" / "last.pt")["step"] == 4
    train(RECIPE, tmp_path / "killed", Translations(), resume=True)
    train(RECIPE, tmp_path / "straight", Translations())
    expected, found = final(tmp_path / "straight", "model"), final(tmp_path / "killed", "model")
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert [row["step"] for row in read_log(tmp_path / "killed" / "steps.csv")] == list("123456")


def test_handlers_return_after_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    train(replace(RECIPE, steps=1), tmp_path, Translations())
    assert signal.getsignal(signal.SIGTERM) is before


def test_constant_displacement_is_learned(tmp_path: Path) -> None:
    weights = LossWeights(smoothness=0.0)
    recipe = replace(
        RECIPE, steps=30, learning_rate=3e-3, ema_decay=0.8, loss=weights, validation_interval=30
    )
    best = load_state(train(recipe, tmp_path, Translations(constant=True)))
    assert best["errors"]["zero_bone_mm"] == pytest.approx(14**0.5, abs=1e-4)
    assert best["errors"]["bone_mm"] < 0.35 * 14**0.5
    assert best["errors"]["soft_mm"] < 0.5 * 14**0.5


def test_existing_run_is_not_overwritten_and_other_recipe_not_resumed(tmp_path: Path) -> None:
    train(replace(RECIPE, steps=1), tmp_path, Translations())
    with pytest.raises(InputError, match="already holds"):
        train(RECIPE, tmp_path, Translations())
    with pytest.raises(InputError, match="another 'learning_rate'"):
        train(replace(RECIPE, learning_rate=5e-3), tmp_path, Translations(), resume=True)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"half a file")
    with pytest.raises(InputError, match="cannot be read"):
        train(RECIPE, tmp_path, Translations(), resume=True)


def test_learning_rate_warms_up_and_decays() -> None:
    recipe = replace(RECIPE, steps=100, warmup=10, learning_rate=1.0, final_learning_rate=0.1)
    assert learning_rate(recipe, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 10) == pytest.approx(1.0)
    assert learning_rate(recipe, 99) == pytest.approx(0.1)
    exponential = replace(recipe, schedule="exponential", decay=0.5, decay_interval=20)
    assert learning_rate(exponential, 65) == pytest.approx(0.125)


def test_average_of_constant_weights_is_that_constant() -> None:
    average = {"w": torch.zeros(2)}
    for step in range(200):
        update_average(average, {"w": torch.ones(2)}, 0.9, step)
    assert torch.allclose(average["w"], torch.ones(2), atol=1e-6)


def test_average_moves_by_one_minus_decay_and_faster_at_first() -> None:
    late, first = {"w": torch.zeros(1)}, {"w": torch.zeros(1)}
    update_average(late, {"w": torch.ones(1)}, 0.99, 10_000)
    update_average(first, {"w": torch.ones(1)}, 0.99, 0)
    assert late["w"].item() == pytest.approx(0.01)
    assert first["w"].item() == pytest.approx(0.9)
