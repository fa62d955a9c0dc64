"""What lies where in the output folder, and which recipes are trained there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...training.loss_terms import LossTerm
from ...training.recipe import Recipe, recipe_of
from ...training.recipe_file import find_recipe, overlaid, recipe_values

BUDGETS = {
    "vanulsen_brief.toml": ("vanulsen_us", "vanulsen_us_rp", "vanulsen_ws", "vanulsen_ws_rp"),
    "cao_brief.toml": ("cao_dual",),
    "cao_goes_on.toml": ("cao_ct_only", "cao_mr_only"),
    "vertebrae_brief.toml": ("avoxelmorph", "acsgregnet_small"),
}
"""Recipes by the file, beside this one, that shortens them."""
START, START_RECIPE = "vanulsen_start", "vanulsen_us"
"""Where van Ulsen's networks begin: a budget file's stem, and the recipe that it changes."""
BEGINS_WITH = {
    **dict.fromkeys(BUDGETS["vanulsen_brief.toml"], START),
    **dict.fromkeys(BUDGETS["cao_goes_on.toml"], "cao_dual"),
}
"""Networks that begin with the trained weights of another; see `first_of` for the others."""
STUDY_1, STUDY_1_RECIPE, STUDY_1_STEPS = "avoxelmorph_level", "avoxelmorph", 30
"""Gao and Zheng's study I: one network for every level, which goes on from that of study II."""
SMOOTHNESS_WEIGHTS = (0.2, 2.0, 6.0)
"""For figure 4.1 of the thesis, in its units, in which it chose `CHOSEN_WEIGHT`; ours are thrice as large."""
START_WEIGHT, CHOSEN_WEIGHT, TO_OURS = 0.2, 2.0, 3.0
PATIENTS, MEASURED, STUDIES, COSTS = "patients", "measured", "studies", "costs.json"
"""Synthetic patients, measures by method and patient, registered pairs of vertebrae, time and memory. Every
training has a subfolder of the recipe's name."""


def brief_recipes(steps: int | None = None) -> dict[str, Recipe]:
    """The recipes of the papers within their budgets, by name; with so many steps, if given."""
    return {name: _brief(name, file, steps) for file, names in BUDGETS.items() for name in names}


def start_recipe(steps: int | None = None) -> Recipe:
    """What is trained first, for others to begin with."""
    return _brief(START_RECIPE, f"{START}.toml", steps)


def weighted_name(weight: float) -> str:
    """What a network of `SMOOTHNESS_WEIGHTS` is called."""
    trained_anyway = {START_WEIGHT: START, CHOSEN_WEIGHT: START_RECIPE}
    return trained_anyway.get(weight, f"{START_RECIPE}_{weight:g}")


def weighted_recipes(steps: int | None = None) -> dict[str, Recipe]:
    """Van Ulsen's unsupervised network with other weights of the smoothness, by name."""
    chosen = brief_recipes(steps)[START_RECIPE]
    return {
        weighted_name(weight): replace(
            chosen,
            name=weighted_name(weight),
            loss={**chosen.loss, "smoothness": LossTerm(TO_OURS * weight)},
        )
        for weight in SMOOTHNESS_WEIGHTS
        if weight not in (START_WEIGHT, CHOSEN_WEIGHT)
    }


def level_recipes(steps: int | None = None) -> dict[str, Recipe]:
    """The networks of study I, one for each level of study II, by name."""
    both = brief_recipes(steps)[STUDY_1_RECIPE]
    assert both.vertebrae is not None
    return {
        f"{STUDY_1}_{level}": replace(
            both,
            name=f"{STUDY_1}_{level}",
            steps=steps or STUDY_1_STEPS,
            vertebrae=replace(both.vertebrae, levels=(level,)),
        )
        for level in both.vertebrae.levels
    }


def first_of(name: str) -> str | None:
    """The training with whose weights another one begins."""
    further = {**dict.fromkeys(weighted_recipes(), START), **dict.fromkeys(level_recipes(), STUDY_1_RECIPE)}
    return {**BEGINS_WITH, **further}.get(name)


def budget_file(name: str) -> Path:
    """Path of a key of `BUDGETS`."""
    return Path(__file__).with_name(name)


def _brief(name: str, file: str, steps: int | None) -> Recipe:
    recipe = recipe_of(overlaid(recipe_values(find_recipe(name)), recipe_values(budget_file(file))))
    return recipe if steps is None else replace(recipe, steps=steps)
