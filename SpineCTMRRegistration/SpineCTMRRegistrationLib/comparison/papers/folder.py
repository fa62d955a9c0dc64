"""What lies where in the output folder, and which recipes are trained there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...training.recipe import Recipe
from ..ablation.run import budgeted

BUDGETS = {
    "vanulsen_2mm.toml": ("vanulsen_us", "vanulsen_us_rp", "vanulsen_ws", "vanulsen_ws_rp"),
    "cao_2mm.toml": ("cao_dual", "cao_ct_only", "cao_mr_only"),
    "vertebrae_2mm.toml": ("avoxelmorph", "acsgregnet_small"),
}
"""Recipes by the file, beside this one, that shortens them."""
PATIENTS, MEASURED, STUDIES, COSTS = "patients", "measured", "studies", "costs.json"
"""Synthetic patients, measures by method and patient, registered pairs of vertebrae, time and memory. Every
training has a subfolder of the recipe's name."""


def brief_recipes(steps: int | None = None) -> dict[str, Recipe]:
    """The recipes of the papers within their budgets, by name; with so many steps, if given."""
    recipes = {name: budgeted(name, budget_file(file)) for file, names in BUDGETS.items() for name in names}
    if steps is None:
        return recipes
    return {name: replace(recipe, steps=steps) for name, recipe in recipes.items()}


def budget_file(name: str) -> Path:
    """Path of a key of `BUDGETS`."""
    return Path(__file__).with_name(name)
