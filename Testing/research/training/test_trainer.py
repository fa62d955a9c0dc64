"""Training resumes exactly, logs every step once and learns a known displacement."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from spine_ctmr.errors import Cancelled, InputError
from spine_ctmr.network.unet import VelocityUNetOptions
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import load_state, save_atomically
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.own_options import OwnDataOptions
from spine_ctmr.research.training.run_log import read_log
from spine_ctmr.research.training.schedule import Optimisation, update_average
from spine_ctmr.research.training.state import begin_with_weights, new_state
from spine_ctmr.research.training.trainer import train
from spine_ctmr.research.training.workers import Workers

from .toy import RECIPE, Translations

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower


def final(run: Path, part: str) -> dict[str, torch.Tensor]:
    return load_state(run / "last.pt")[part]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_run_begun_at_a_milestone_equals_one_that_trained_to_it(tmp_path: Path) -> None:
    baseline = replace(RECIPE, rigidity_from=0.5)
    rigid = replace(baseline, name="rigid", rigidity=loss_terms({"properness": 1.0}, "rigidity."))
    train(baseline, tmp_path / "baseline", Translations())
    train(rigid, tmp_path / "warm", Translations(), warm_start=tmp_path / "baseline")
    train(rigid, tmp_path / "straight", Translations())
    expected, found = final(tmp_path / "straight", "average"), final(tmp_path / "warm", "average")
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    best = [load_state(tmp_path / run / "best.pt") for run in ("straight", "warm")]
    assert best[0]["step"] == best[1]["step"] > 3
    steps = read_log(tmp_path / "warm" / "steps.csv")
    assert [row["step"] for row in steps] == list("456")
    assert all(float(row["properness"]) > 0 for row in steps)
    without = final(tmp_path / "baseline", "average")
    assert not all(torch.equal(expected[name], without[name]) for name in expected)


@pytest.mark.slow
def test_run_begins_with_the_weights_of_another_and_nothing_else(tmp_path: Path) -> None:
    """A second run whose rate is 0 keeps them; of another network they are refused."""
    train(RECIPE, tmp_path / "first", Translations())
    still = replace(
        RECIPE, name="still", optimisation=Optimisation("sgd", learning_rate=1e-30, schedule="constant")
    )
    first = tmp_path / "first" / "last.pt"
    train(still, tmp_path / "still", Translations(), weights=first)
    expected = final(tmp_path / "first", "average")
    for part in ("model", "average"):
        found = final(tmp_path / "still", part)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)
    assert [row["step"] for row in read_log(tmp_path / "still" / "steps.csv")] == list("123456")
    origin = f"last.pt (SHA-256 {sha256(first.read_bytes()).hexdigest()})"
    train(replace(still, steps=7), tmp_path / "still", Translations(), resume=True)
    assert load_state(tmp_path / "still" / "best.pt")["began_with"] == origin
    assert load_state(tmp_path / "still" / "last.pt")["began_with"] == origin
    assert load_state(tmp_path / "first" / "best.pt")["began_with"] == ""
    other = replace(RECIPE, network=VelocityUNetOptions(encoder=(4, 4, 4, 4, 4)))
    with pytest.raises(InputError, match="another network"):
        train(other, tmp_path / "other", Translations(), weights=first)


def test_a_run_begins_with_the_weights_of_best_and_of_last_alone(tmp_path: Path) -> None:
    short = replace(RECIPE, steps=1)
    best = train(short, tmp_path / "first", Translations())
    state = new_state(short, Workers(0, 1, torch.device("cpu")))
    for file in (best, best.with_name("last.pt")):
        begin_with_weights(state, file)
        expected = load_state(best)["weights"]
        assert all(torch.equal(state.average[name], expected[name]) for name in expected)
    save_atomically({"step": 1}, tmp_path / "none.pt")
    with pytest.raises(InputError, match=r"none\.pt: holds no averaged weights"):
        begin_with_weights(state, tmp_path / "none.pt")


@pytest.mark.slow
def test_a_run_of_a_recipe_without_newer_keys_goes_on(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        train(RECIPE, tmp_path / "run", Translations(signal_at=2))
    saved = load_state(tmp_path / "run" / "last.pt")
    values = json.loads(saved["recipe"])
    del values["data"]["sequence"]
    save_atomically({**saved, "recipe": json.dumps(values)}, tmp_path / "run" / "last.pt")
    train(RECIPE, tmp_path / "run", Translations(), resume=True)
    assert load_state(tmp_path / "run" / "last.pt")["step"] == RECIPE.steps


@pytest.mark.slow
def test_milestone_of_another_beginning_is_refused(tmp_path: Path) -> None:
    train(replace(RECIPE, rigidity_from=0.5), tmp_path / "baseline", Translations())
    other = replace(RECIPE, rigidity_from=0.5, loss=loss_terms({"mind": 1.0}, "loss."))
    with pytest.raises(InputError, match="another 'loss'"):
        train(other, tmp_path / "other", Translations(), warm_start=tmp_path / "baseline")
    with pytest.raises(InputError, match="no such checkpoint"):
        train(RECIPE, tmp_path / "lost", Translations(), warm_start=tmp_path)


@pytest.mark.slow
def test_handlers_return_after_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    train(replace(RECIPE, steps=1), tmp_path, Translations())
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
def test_constant_displacement_is_learned(tmp_path: Path) -> None:
    recipe = replace(
        RECIPE,
        steps=30,
        optimisation=Optimisation(learning_rate=3e-3),
        ema_decay=0.8,
        loss=loss_terms({"displacement": 1, "bone_displacement": 1}, "loss."),
        validation_interval=30,
    )
    best = load_state(train(recipe, tmp_path, Translations(constant=True)))
    assert best["errors"]["zero_bone_mm"] == pytest.approx(14**0.5, abs=1e-4)
    assert best["errors"]["bone_mm"] < 0.35 * 14**0.5
    assert best["errors"]["soft_mm"] < 0.5 * 14**0.5


def test_long_gradients_are_clipped(tmp_path: Path) -> None:
    plain = replace(RECIPE, steps=1, optimisation=Optimisation(optimiser="sgd", learning_rate=1.0))
    clipped = replace(plain, gradient_clip=1e-3)
    before = new_state(plain, Workers(0, 1, torch.device("cpu"))).model.state_dict()
    train(clipped, tmp_path, Translations())
    after = final(tmp_path, "model")
    moved = sum(float((after[name] - before[name]).square().sum()) for name in before) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_existing_run_is_not_overwritten_and_other_recipe_not_resumed(tmp_path: Path) -> None:
    train(replace(RECIPE, steps=1), tmp_path, Translations())
    with pytest.raises(InputError, match="already holds"):
        train(RECIPE, tmp_path, Translations())
    with pytest.raises(InputError, match="another 'optimisation'"):
        train(
            replace(RECIPE, optimisation=Optimisation(learning_rate=5e-3)),
            tmp_path,
            Translations(),
            resume=True,
        )


def test_a_run_goes_on_with_its_own_patients_alone(tmp_path: Path) -> None:
    train(replace(RECIPE, steps=1), tmp_path, Translations())
    with pytest.raises(InputError, match="trained or validated on other patients"):
        train(RECIPE, tmp_path, Translations(patients="others"), resume=True)
    saved = load_state(tmp_path / "last.pt")
    del saved["patients"]
    save_atomically(saved, tmp_path / "last.pt")  # as before they were kept
    train(replace(RECIPE, steps=2), tmp_path, Translations(patients="others"), resume=True)
    assert load_state(tmp_path / "last.pt")["patients"] == "others"


def test_a_milestone_of_other_patients_is_refused(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2, rigidity_from=0.5)
    train(recipe, tmp_path / "first", Translations())
    with pytest.raises(InputError, match="trained or validated on other patients"):
        train(recipe, tmp_path / "second", Translations(patients="others"), warm_start=tmp_path / "first")


def test_a_table_that_the_new_recipe_lacks_is_another_one_too(tmp_path: Path) -> None:
    folded = replace(RECIPE, steps=1, own_data=OwnDataOptions(fold=1))
    train(folded, tmp_path, Translations())
    with pytest.raises(InputError, match="another 'own_data'"):
        train(replace(RECIPE, steps=2), tmp_path, Translations(), resume=True)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"half a file")
    with pytest.raises(InputError, match="cannot be read"):
        train(RECIPE, tmp_path, Translations(), resume=True)


def test_learning_rate_warms_up_and_decays() -> None:
    cosine = Optimisation(warmup=10, learning_rate=1.0, final_learning_rate=0.1)
    assert cosine.rate_at(0, 100) == pytest.approx(0.1)
    assert cosine.rate_at(10, 100) == pytest.approx(1.0)
    assert cosine.rate_at(99, 100) == pytest.approx(0.1)
    exponential = replace(cosine, schedule="exponential", decay=0.5, decay_interval=20)
    assert exponential.rate_at(65, 100) == pytest.approx(0.125)
    assert replace(cosine, schedule="constant").rate_at(65, 100) == 1.0


@pytest.mark.parametrize(("optimiser", "moved"), [("adam", 0.1), ("sgd", 0.4)])
def test_optimiser_moves_a_weight_by_its_rule(optimiser: str, moved: float) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    rule = Optimisation(optimiser=optimiser, learning_rate=0.1).build([weight])
    (4 * weight).sum().backward()
    rule.step()
    assert weight.item() == pytest.approx(-moved)


class Weight(torch.nn.Module):
    """A module with one weight."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(value)


def test_average_of_constant_weights_is_that_constant() -> None:
    average = {"weight": torch.zeros(2)}
    for step in range(200):
        update_average(average, Weight(torch.ones(2)), 0.9, step)
    assert torch.allclose(average["weight"], torch.ones(2), atol=1e-6)


def test_average_moves_by_one_minus_decay_and_faster_at_first() -> None:
    late, first = {"weight": torch.zeros(1)}, {"weight": torch.zeros(1)}
    update_average(late, Weight(torch.ones(1)), 0.99, 10_000)
    update_average(first, Weight(torch.ones(1)), 0.99, 0)
    assert late["weight"].item() == pytest.approx(0.01)
    assert first["weight"].item() == pytest.approx(0.9)


def test_running_statistics_are_copied_not_averaged() -> None:
    model = torch.nn.BatchNorm1d(2)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    update_average(average, model, 0.99, 10_000)
    assert torch.equal(average["running_mean"], model.running_mean)
    assert average["num_batches_tracked"] == 1
