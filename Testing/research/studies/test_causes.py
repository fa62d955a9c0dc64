"""Tested causes: fits of motions that are known, trends of known slope, and words that follow the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.network.motion import Motion, RegistrationNetwork
from spine_ctmr.research.studies.networks import fit
from spine_ctmr.research.studies.networks.causes import Evidence, OnOthers, causes_section
from spine_ctmr.research.studies.networks.fit import Fit, loss_trend, measured_fit
from spine_ctmr.research.studies.networks.methods import TrainedNetwork
from spine_ctmr.research.studies.networks.results import cohort_change, start_errors
from spine_ctmr.research.studies.networks.trainings import Training
from spine_ctmr.research.studies.networks.verdicts import Claim
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

SIDE, SHIFT_MM = 20, 3.0


class Shifting(RegistrationNetwork):
    """Moves everything along x by so many mm, whatever it sees."""

    def __init__(self, by_mm: float) -> None:
        super().__init__()
        self.by_mm = by_mm

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def motion(self, output: torch.Tensor, spacing_mm: float) -> Motion:
        field = torch.zeros(1, 3, *output.shape[2:])
        field[:, 0] = self.by_mm
        return Motion(field)


class Data:
    """One batch whose CT lies `SHIFT_MM` to the right of the MR."""

    description = "a test's"
    patients = "those"

    def sample(self, step: int) -> Batch:
        labels = torch.zeros(1, 1, SIDE, SIDE, SIDE, dtype=torch.long)
        labels[..., 5:15, 5:15, 5:15] = 22
        images = torch.rand(2, 1, 1, SIDE, SIDE, SIDE, generator=torch.Generator().manual_seed(step))
        field = torch.zeros(1, 3, SIDE, SIDE, SIDE)
        field[:, 0] = SHIFT_MM
        return Batch(*images, labels, torch.ones_like(images[0]), field, labels)

    def validation(self) -> Sequence[Batch]:
        return []


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_a_fit_is_the_share_of_the_truth_that_a_network_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """The displacement's loss is near |u - truth|, so all errors and losses are known."""
    loss = loss_terms({"displacement": {"weight": 2.0, "epsilon_mm": 1e-4}, "smoothness": 7.0}, "loss.")
    recipe = replace(load_recipe(find_recipe("synthetic_truth")), name="run", loss=loss, precision="float32")
    monkeypatch.setattr(fit, "training_data", lambda *_: Data())
    (tmp_path / "run").mkdir()
    network = TrainedNetwork(recipe, Shifting(share * SHIFT_MM), 9)
    found = measured_fit(Training(recipe, ""), network, tmp_path)
    np.testing.assert_allclose(found.still, SHIFT_MM, rtol=1e-4)
    np.testing.assert_allclose(found.moved, (1 - share) * SHIFT_MM, atol=1e-3)
    np.testing.assert_allclose(found.loss_still, 2 * SHIFT_MM, rtol=1e-3)
    np.testing.assert_allclose(found.loss_moved, 2 * (1 - share) * SHIFT_MM, atol=1e-3)
    np.testing.assert_allclose(found.loss_true, 0, atol=1e-3)
    kept = replace(network, model=Shifting(99.0))
    assert measured_fit(Training(recipe, ""), kept, tmp_path) == found
    assert measured_fit(Training(recipe, ""), replace(kept, steps=10), tmp_path).moved[0] > 90


def test_the_trend_is_the_slope_of_the_last_half(tmp_path: Path) -> None:
    """The loss stands at 9, then falls from 2 to 1 over the last 100 steps: two thirds of its mean."""
    losses = [9.0] * 100 + list(np.linspace(2, 1, 101))[1:]
    rows = [f"{k},{loss},1" for k, loss in enumerate(losses, 1)]
    (tmp_path / "steps.csv").write_text("step,loss,seconds\n" + "\n".join(rows[:60]) + "\n")
    assert np.isnan(loss_trend(tmp_path)).all()  # too few to tell
    (tmp_path / "steps.csv").write_text("step,loss,seconds\n" + "\n".join(rows) + "\n")
    slope, error = loss_trend(tmp_path)
    assert slope == pytest.approx(-1 / np.mean(losses[100:]), rel=1e-4)
    assert error < 1e-3


NOISE = np.tile([0.0, 0.1, -0.1, 0.0], 6)


def evidence(learned: float, test: float, truth: float, slope: float) -> Evidence:
    """Changes by the network of its own pairs and of others, by the truth of the losses, and of the loss."""

    def values(mean: float) -> list[float]:
        return list(mean + NOISE[:12])

    one = [1.0] * 12
    fits = [Fit(5, one, values(1 + learned), one, values(0.9), values(1 + truth))]
    return Evidence(fits, [(slope, 0.01)], OnOthers(np.ones(24), 1 + test + NOISE))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (evidence(-0.5, -0.5, -0.5, 0), "learned and carries over; whether its loss still falls cannot be"),
        (evidence(-0.5, 0.1, -0.5, -0.1), "fits its own pairs, does not carry over; its loss still falls"),
        (evidence(0.1, 0.1, 0.2, 0), "its losses, as weighted, do not prefer the truth"),
        (evidence(0.1, 0.1, -0.2, 0), "its loss went 50% of the way to the truth's; whether its loss"),
        (evidence(0.1, 0.1, -0.05, 0), "while its loss is lower where it went than at the truth"),
        (evidence(0.1, -0.5, -0.2, 0), "though test patients profit"),
    ],
)
def test_causes_follow_the_data(found: Evidence, said: str) -> None:
    assert said in found.cause
    assert found.cause in causes_section({"a": found}, "mm")[-2]


def test_networks_that_help_the_nearest_alone_say_so() -> None:
    far = evidence(0.1, 0.0, -0.2, 0)
    still = np.linspace(1, 8, 24)
    test = OnOthers(still, np.where(still < 3.5, still - 0.5, still + 2) + NOISE)
    assert "nearest at the start, so the others lie too far" in replace(far, test=test).cause
    assert "nearest" not in replace(far, test=OnOthers(still, still + NOISE)).cause


def test_what_does_not_come_out_alike_says_what_was_tested() -> None:
    """A mean of a hundredth with a standard error of a hundredth needs four times the patients."""
    spread = np.tile([-1.0, 1.0], 32)
    weak = -0.01 + spread * 0.01 * np.sqrt(63)
    near = Claim("it is", weak, "mm", ("a", "b"), np.arange(64.0))
    said = near.sentence({"a": "learned too little"})
    assert "not beyond chance" in said
    assert "about 256 instead of 64 would tell" in said
    assert "a learned too little" in said
    assert "reproduced" in Claim("it is", weak - 1).sentence()
    better = Claim("it is", weak - 1, about=("a", "b"))
    assert "only moves less" in better.sentence({"a": "fits its own pairs", "b": "does not fit"})
    assert "only moves" not in better.sentence({"a": "learned and carries over", "b": "does not fit"})
    far = np.where(np.arange(64) > 40, -1 + 0.1 * spread, 1 + 0.1 * spread)
    said = Claim("it is", far, "", (), np.arange(64.0)).sentence()
    assert "the opposite" in said
    assert "largest errors at the start -0.995 ± " in said
    assert said.endswith("the paper's direction.")


def test_a_change_of_few_patients_needs_more_than_two_standard_errors() -> None:
    """Four values with a mean of three standard errors: p = 0.058 by Student's t with three degrees."""
    few = 3 + np.sqrt(3) * np.array([-1.0, -1.0, 1.0, 1.0])
    said = Claim("it is", -few, start=np.arange(4.0)).sentence()
    assert "not beyond chance" in said
    assert "n = 4" in said
    assert "reproduced" in Claim("it is", -np.tile(few, 2)).sentence()


def test_a_hopeless_difference_names_no_number_of_patients() -> None:
    said = Claim("it is", np.tile([-1.0, 1.0], 12) - 0.001).sentence()
    assert "no number of patients that can be had would tell" in said


def test_changes_of_cohorts_are_means_over_the_vertebrae_of_each_patient() -> None:
    first = {"p": {22: {"dice": 0.9}, 23: {"dice": 0.7}}, "q": {22: {"dice": 0.5}}, "r": {}}
    second = {"p": {22: {"dice": 0.6}, 23: {"dice": 0.6}}, "q": {24: {"dice": 0.5}}}
    change = cohort_change(first, second, "dice")
    np.testing.assert_allclose(change, [0.2, np.nan, np.nan])
    np.testing.assert_allclose(start_errors({"p": {22: {"tre_mm": 1.0}, 23: {"tre_mm": 3.0}}}), [2.0])
