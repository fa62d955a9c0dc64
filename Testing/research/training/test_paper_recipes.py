"""The recipes of van Ulsen 2022 and Cao et al. 2018: what they ask for; they train and resume exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.cao import CaoOptions
from spine_ctmr.network.motion import Motion
from spine_ctmr.network.vanulsen import VanUlsenOptions
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.loss_functions import LOSSES
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.recipe import Recipe
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe
from spine_ctmr.research.training.run_log import read_log
from spine_ctmr.research.training.trainer import train

from .toy import PLAIN, Translations

torch.set_num_threads(1)
VANULSEN = {
    "vanulsen_us": {"mutual_information": 1.0, "smoothness": 6.0},
    "vanulsen_us_rp": {"mutual_information": 1.0, "smoothness": 6.0, "rigidity_penalty": 0.2},
    "vanulsen_ws": {"mutual_information": 0.5, "overlap": 0.5, "smoothness": 6.0},
    "vanulsen_ws_rp": {"mutual_information": 0.5, "overlap": 0.5, "smoothness": 6.0, "rigidity_penalty": 0.4},
}
CAO = {
    "cao_dual": {"ct_correlation": 0.5, "mr_correlation": 0.5, "laplacian": 0.5, "magnitude": 0.01},
    "cao_ct_only": {"ct_correlation": 1.0, "laplacian": 0.5, "magnitude": 0.01},
    "cao_mr_only": {"mr_correlation": 1.0, "laplacian": 0.5, "magnitude": 0.01},
}


class LargeTranslations(Translations):
    """Two pairs at a time that the patch network takes."""

    def sample(self, step: int) -> Batch:
        pair = super().sample(step)
        return pair.map(lambda a: a.repeat(2, 1, 3, 3, 3)[..., :44, :44, :44])


def brief(name: str, side: int) -> Recipe:
    """A shipped recipe with two steps on small images."""
    recipe = load_recipe(find_recipe(name))
    return replace(recipe, crop=(side,) * 3, steps=2, validation_interval=1, checkpoint_interval=1)


def require_exact_resume(recipe: Recipe, data: type[Translations], folder: Path) -> None:
    class Killed(data):  # type: ignore[misc, valid-type]
        def sample(self, step: int) -> Batch:
            if step == 1:
                raise KeyboardInterrupt
            return super().sample(step)

    train(recipe, folder / "straight", data())
    with pytest.raises(KeyboardInterrupt):
        train(recipe, folder / "killed", Killed())
    train(recipe, folder / "killed", data(), resume=True)
    first, second = (load_state(folder / run / "last.pt") for run in ("straight", "killed"))
    assert first["step"] == second["step"] == 2
    for part in ("model", "average"):
        assert all(torch.equal(first[part][name], second[part][name]) for name in first[part])


@pytest.mark.parametrize("name", VANULSEN)
def test_vanulsen_recipes_have_the_weights_of_the_thesis(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert {loss: term.weight for loss, term in recipe.loss.items()} == VANULSEN[name]
    assert recipe.network == VanUlsenOptions()
    assert recipe.optimisation.rate_at(0, recipe.steps) == 4e-4
    assert recipe.optimisation.rate_at(recipe.steps - 1, recipe.steps) == 4e-4
    assert not recipe.rigidity


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vanulsen_us", "vanulsen_ws_rp"])
def test_vanulsen_trains_and_resumes_exactly(name: str, tmp_path: Path) -> None:
    require_exact_resume(brief(name, 16), Translations, tmp_path)


@pytest.mark.parametrize("name", CAO)
def test_cao_recipes_have_the_weights_of_the_paper(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert {loss: term.weight for loss, term in recipe.loss.items()} == CAO[name]
    assert (recipe.crop, recipe.batch, recipe.network) == ((68, 68, 68), 2, CaoOptions())
    steps_of_an_epoch = 225_000 // 2
    rates = [recipe.optimisation.rate_at(k * steps_of_an_epoch, recipe.steps) for k in range(0, 12, 2)]
    assert rates == [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025]
    assert recipe.optimisation.build([torch.zeros(1)]).defaults["momentum"] == 0


@pytest.mark.slow
def test_cao_trains_and_resumes_exactly(tmp_path: Path) -> None:
    small = replace(brief("cao_dual", 44), network=CaoOptions(filters=(2, 3, 4)))
    require_exact_resume(small, LargeTranslations, tmp_path)


JIAN_RIGIDITY = {
    "jian_baseline": {},
    "jian_pc": {"properness": 0.01},
    "jian_oc": {"orthonormality": 0.005},
    "jian_rigid_dice": {"rigid_dice": 0.1},
    "jian_rigid_field": {"rigid_field_distance": 0.01},
    "jian_pc_oc": {"properness": 0.01, "orthonormality": 0.005},
    "jian_pc_rigid_dice": {"properness": 0.01, "rigid_dice": 0.1},
    "jian_pc_rigid_field": {"properness": 0.01, "rigid_field_distance": 0.01},
    "jian_volume": {"volume": 0.1},
}


@pytest.mark.parametrize("name", JIAN_RIGIDITY)
def test_jian_recipes_have_the_weights_of_the_public_code(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert {loss: term.weight for loss, term in recipe.loss.items()} == {"mind": 1.0, "smoothness": 0.01}
    assert {loss: term.weight for loss, term in recipe.rigidity.items()} == JIAN_RIGIDITY[name]
    assert sum(weight.numel() for weight in recipe.network.build().parameters()) == 1_000_163
    epoch = 2 * 117
    assert (recipe.steps, recipe.first_rigidity_step) == (500 * epoch, 400 * epoch)
    assert recipe.optimisation.rate_at(epoch, recipe.steps) == pytest.approx(0.999e-4)


def test_other_similarities_replace_mind_alone() -> None:
    baseline = load_recipe(find_recipe("jian_baseline")).to_dict()
    for name, similarity in (("jian_nmi", "normalised_mutual_information"), ("jian_ngf", "gradient_fields")):
        other = load_recipe(find_recipe(name)).to_dict()
        assert other.pop("loss") == {similarity: 1.0, "smoothness": 0.01}
        assert {key for key in other if other[key] != baseline[key]} == {"name"}


@dataclass
class Cut(Translations):
    """Pairs whose only vertebra goes through the whole crop; from `whole_from` on it does not."""

    whole_from: int = 1000

    def sample(self, step: int) -> Batch:
        batch = super().sample(step)
        inside = torch.zeros_like(batch.labels)
        inside[..., 5:11, 5:11, 5:11] = 20
        return replace(batch, labels=inside if step >= self.whole_from else batch.labels)


@pytest.mark.parametrize("terms", [{"volume": 1.0}, {"volume": 1.0, "smoothness": 1.0}])
def test_a_loss_that_no_motion_changes_is_refused(terms: dict[str, float], tmp_path: Path) -> None:
    recipe = replace(PLAIN, loss=loss_terms(terms, "loss."))
    with pytest.raises(InputError, match="'volume' does not depend on the motion in any of the first 16"):
        train(recipe, tmp_path, Cut())
    assert not (tmp_path / "last.pt").exists()


def test_samples_on_which_the_only_loss_cannot_act_are_passed_over(tmp_path: Path) -> None:
    recipe = replace(PLAIN, loss=loss_terms({"volume": 1.0}, "loss."))
    train(recipe, tmp_path, Cut(whole_from=1))
    rows = [float(row["volume"]) for row in read_log(tmp_path / "steps.csv")]
    assert rows[0] == 0
    assert all(value >= 0 for value in rows[1:])


@pytest.mark.slow
def test_penalties_may_see_larger_crops_than_the_run_that_they_go_on_from(tmp_path: Path) -> None:
    baseline = replace(PLAIN, steps=4, rigidity_from=0.5)
    train(baseline, tmp_path / "baseline", Translations())
    penalised = replace(
        baseline, name="other", crop=(32, 32, 32), rigidity=loss_terms({"properness": 1.0}, "")
    )
    train(penalised, tmp_path / "penalised", Translations(), warm_start=tmp_path / "baseline")
    assert [int(row["step"]) for row in read_log(tmp_path / "penalised" / "steps.csv")] == [3, 4]


def test_a_penalty_that_can_never_act_is_refused_where_a_run_goes_on_from_a_milestone(tmp_path: Path) -> None:
    baseline = replace(PLAIN, steps=4, rigidity_from=0.5)
    train(baseline, tmp_path / "baseline", Cut())
    penalised = replace(baseline, name="other", rigidity=loss_terms({"volume": 1.0}, ""))
    with pytest.raises(InputError, match="'volume' does not depend on the motion in any of the first 16"):
        train(penalised, tmp_path / "penalised", Cut(), warm_start=tmp_path / "baseline")
    assert not (tmp_path / "penalised" / "last.pt").exists()


def test_rigidity_penalty_is_the_sum_of_its_parts_in_the_bone_of_the_ct() -> None:
    batch = Translations().sample(0)
    side = 16
    x = torch.arange(side, dtype=torch.float32).expand(side, side, side)
    stretched = torch.stack([0.1 * x, 0 * x, 0 * x])[None]
    bent = torch.where(batch.labels > 0, stretched, 5 * stretched.square())
    bone = batch.labels.clone()
    bone[..., :5] = bone[..., 11:] = 0
    inner = replace(batch, labels=bone)
    penalty = LOSSES["rigidity_penalty"](Outcome(inner, Motion(bent), 1.0))
    assert float(penalty) == pytest.approx((1.1**2 - 1) ** 2 + 0.1**2, rel=1e-3)
