"""Networks with an affine stage in the trainer: recipes, losses of both stages, exact resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.losses.dice import overlap_loss
from spine_ctmr.research.losses.local_correlation import local_correlation
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.loss_terms import evaluate, loss_terms
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.recipe import Recipe, recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe
from spine_ctmr.research.training.trainer import train

torch.set_num_threads(1)

SMALL: dict[str, dict[str, Any]] = {
    "acsgregnet": {"encoder": [2, 2, 2, 2, 4], "width": 8, "layers": 1, "heads": 2, "hidden": 8},
    "avoxelmorph": {"encoder": [2, 2, 2, 2, 2], "decoder": [2, 2, 2], "head": [2]},
}


class Boxes:
    """Bright boxes of random sizes, the vertebrae of two subjects."""

    description = "Random boxes"
    patients = "those"

    def sample(self, step: int) -> Batch:
        generator = torch.Generator().manual_seed(step)
        fixed, moving = (self._box(generator) for _ in range(2))
        ones = torch.ones_like(fixed, dtype=torch.float32)
        noisy = (0.8 * x + 0.1 * torch.rand(x.shape, generator=generator) for x in (fixed, moving))
        return Batch(*noisy, 20 * moving.long(), ones, fixed_labels=20 * fixed.long())

    def validation(self) -> Sequence[Batch]:
        return [self.sample(999)]

    def _box(self, generator: torch.Generator) -> torch.Tensor:
        box = torch.zeros(1, 1, 48, 48, 64)
        low, high = torch.randint(6, 14, (2,), generator=generator).tolist()
        box[..., low:-high, high:-low, low:-low] = 1
        return box


def small_recipe(name: str) -> Recipe:
    """The shipped recipe with a network, crop and number of steps for a test."""
    shipped = load_recipe(find_recipe(name)).to_dict()
    network = {"kind": name, "affine": [2, 2, 2, 2, 2], **SMALL[name]}
    return recipe_of(
        {**shipped, "network": network, "crop": [64, 48, 48], "batch": 1, "steps": 2}
        | {"validation_interval": 2, "checkpoint_interval": 1}
    )


def test_recipes_have_the_paper_s_numbers() -> None:
    for name in ("acsgregnet", "avoxelmorph"):
        recipe = load_recipe(find_recipe(name))
        assert (recipe.crop, recipe.spacing_mm, recipe.batch) == ((128, 128, 64), 1.0, 8)
        assert recipe.network.kind == name
        assert recipe.optimisation.rate_at(recipe.steps - 1, recipe.steps) == 1e-5
        assert {key: term.weight for key, term in recipe.loss.items()} == {
            "affine_local_correlation": 0.3,
            "local_correlation": 0.7,
            "deformation_smoothness": 0.001,
            "affine_overlap": 0.01,
            "overlap": 0.1,
        }
        assert recipe.steps * recipe.batch == 60 * 2500
    small = load_recipe(find_recipe("acsgregnet_small"))
    weights = sum(w.numel() for w in small.network.build().parameters())
    assert weights < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_trains_and_resumes_exactly(name: str, tmp_path: Path) -> None:
    recipe = small_recipe(name)
    train(recipe, tmp_path / "straight", Boxes())

    class Killed(Boxes):
        def sample(self, step: int) -> Batch:
            if step == 1:
                raise KeyboardInterrupt
            return super().sample(step)

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "killed", Killed())
    train(recipe, tmp_path / "killed", Boxes(), resume=True)
    straight, killed = (load_state(tmp_path / run / "last.pt") for run in ("straight", "killed"))
    torch.manual_seed(recipe.seed)
    start = recipe.network.build().state_dict()
    for part, weights in straight["model"].items():
        assert torch.equal(weights, killed["model"][part]), part
    assert any(not torch.equal(start[part], weights) for part, weights in straight["model"].items())


def test_losses_look_at_their_stage() -> None:
    """An affine stage that brings the boxes together, and a second stage that spoils it by 4 mm."""
    batch = Boxes().sample(0)
    moved = replace(batch, moving=batch.fixed.roll(3, -1), labels=batch.fixed_labels.roll(3, -1))  # type: ignore[union-attr]
    right = torch.zeros(1, 3, 48, 48, 64)
    right[:, 0] = 6.0
    wrong = right + torch.tensor([0, 4.0, 0]).reshape(1, 3, 1, 1, 1)
    outcome = Outcome(moved, Motion(wrong, affine=right), 2.0)
    names = (
        "affine_local_correlation",
        "local_correlation",
        "affine_overlap",
        "overlap",
        "deformation_smoothness",
    )
    values = evaluate(loss_terms(dict.fromkeys(names, 1.0), "loss."), outcome)
    bone = (batch.fixed_labels > 0).float()  # type: ignore[operator]
    assert values["affine_overlap"].item() == pytest.approx(0, abs=1e-4)
    assert values["overlap"].item() == pytest.approx(overlap_loss(bone.roll(-2, -2), bone).item(), abs=1e-3)
    restored = torch.cat([batch.fixed[..., :61], batch.fixed[..., 60:61].expand(-1, -1, -1, -1, 3)], -1)
    expected = -local_correlation(batch.fixed, restored).item()
    assert values["affine_local_correlation"].item() == pytest.approx(expected, abs=1e-3)
    assert values["local_correlation"] > values["affine_local_correlation"] + 0.1
    assert values["deformation_smoothness"].item() == 0

    bent = wrong.clone()
    bent[:, 1] += 0.5 * torch.arange(64.0) * 2.0
    stretch = torch.zeros_like(bent)
    stretch[:, 0] = 0.3 * torch.arange(64.0)
    slope = Outcome(moved, Motion(bent + stretch, affine=right + stretch), 2.0)
    terms = loss_terms({"deformation_smoothness": 1.0}, "loss.")
    assert evaluate(terms, slope)["deformation_smoothness"].item() == pytest.approx(0.25 / 9, rel=1e-3)


def test_affine_losses_need_an_affine_stage() -> None:
    outcome = Outcome(Boxes().sample(0), Motion(torch.zeros(1, 3, 48, 48, 64)), 1.0)
    for name in ("affine_local_correlation", "affine_overlap", "deformation_smoothness"):
        with pytest.raises(InputError, match="affine stage"):
            evaluate(loss_terms({name: 1.0}, "loss."), outcome)
