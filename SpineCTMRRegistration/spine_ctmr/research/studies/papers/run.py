"""Train the recipes of three papers briefly, register the same test patients, and write the page."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ....progress import Progress, silent, span
from ....results.names import EVALUATION
from ...training.batch import Batch
from ...training.recipe import Recipe
from ...training.run_folder import LAST
from ...training.synthetic_data import synthetic_patients
from ...training.trainer import train
from ...training.vertebra_pairs import vertebra_pairs
from ..vertebra_study import study
from .cost import network_cost
from .folder import (
    COSTS,
    MEASURED,
    PATIENTS,
    START,
    STUDIES,
    brief_recipes,
    first_of,
    level_recipes,
    start_recipe,
    weighted_recipes,
)
from .measures import measure, read_overall, write_measures
from .methods import (
    Method,
    bundled_network,
    missing,
    mutual_information,
    no_motion,
    trained_model,
    trained_network,
)
from .patients import make_patients, read_patients
from .report import write_report


def run_papers(
    output: Path,
    patients: int = 20,
    steps: int | None = None,
    device: str = "cpu",
    progress: Progress = silent,
) -> Path:
    """Write PAPERS.md and its pictures to `output`; return the path of the page.

    Whatever is finished is kept: interrupted, it goes on where it stopped, and with more steps the
    trainings go on and their networks are measured anew.

    Args:
        output: created where missing; see `folder`.
        patients: test patients, whom no training sees.
        steps: of every training, instead of the budgets'.
        device: "cpu" or "cuda", for the training.
        progress: told after every step and patient.
    """
    output.mkdir(parents=True, exist_ok=True)
    bank, recipes = output / PATIENTS, brief_recipes(steps)
    weighted, levels = weighted_recipes(steps), level_recipes(steps)
    trainings = [start_recipe(steps), *recipes.values(), *weighted.values(), *levels.values()]
    for k, recipe in enumerate(trainings):
        part = span(progress, 0.6 * k / len(trainings), 0.6 * (k + 1) / len(trainings))
        _train(recipe, output, bank, device, part)
        _forget_outdated(output, recipe.name)
    make_patients(bank, patients, span(progress, 0.6, 0.7))
    measured = output / MEASURED
    networks = _networks({START: trainings[0], **recipes, **weighted}, output)
    measure_patients(networks, measured, bank, patients, span(progress, 0.7, 0.8))
    pairs = _study_vertebrae({**recipes, **levels}, output, bank)
    progress("measuring time and memory", 0.83)
    _measure_costs(recipes, output)
    worst = int(read_overall(measured / "initial")["bone_mm"].argmax())
    shown = next(read_patients(bank, range(worst, worst + 1)))
    write_report(output, recipes, shown, pairs[0])
    measure_patients(_conventional(), measured, bank, patients, span(progress, 0.85, 0.98))
    return write_report(output, recipes, shown, pairs[0])


def measure_patients(
    methods: Mapping[str, Method], folder: Path, bank: Path, patients: int, progress: Progress = silent
) -> None:
    """Register the test patients by every method, and measure, where a folder lacks it."""
    for number in range(patients):
        found = {name: folder / name / f"patient-{number:03d}" for name in methods}
        missing_ones = [name for name, path in found.items() if not (path / f"{EVALUATION}.json").exists()]
        patient = next(read_patients(bank, range(number, number + 1))) if missing_ones else None
        for name in missing_ones:
            assert patient is not None
            began = time.process_time()
            displacement = methods[name](patient)
            write_measures(found[name], measure(patient, displacement, time.process_time() - began))
        progress("measuring", (number + 1) / patients)


def _train(recipe: Recipe, output: Path, bank: Path, device: str, progress: Progress) -> None:
    """Train a recipe, or finish its training."""
    made = span(progress, 0.0, 0.1)
    data = (
        synthetic_patients(recipe, bank, made)
        if recipe.vertebrae is None
        else vertebra_pairs(recipe, bank, made)
    )
    first = first_of(recipe.name)
    weights = output / first / LAST if first else None
    train(recipe, output / recipe.name, data, True, span(progress, 0.1, 1.0), device, weights=weights)


def _forget_outdated(output: Path, name: str) -> None:
    """Remove the measures of an earlier state of a network."""
    trained = (output / name / LAST).stat().st_mtime
    for path in (*(output / MEASURED / name).glob(f"*/{EVALUATION}.json"), output / STUDIES / f"{name}.json"):
        if path.exists() and path.stat().st_mtime < trained:
            path.unlink()


def _networks(recipes: Mapping[str, Recipe], output: Path) -> dict[str, Method]:
    trained = {name: trained_network(recipe, output / name / LAST) for name, recipe in recipes.items()}
    return {"initial": no_motion, **trained, "matching_2mm": bundled_network()}


def _conventional() -> dict[str, Method]:
    """Those whose package is there."""
    known = {"affine_mi": mutual_information("Affine"), "syn_mi": mutual_information("SyN")}
    return {name: method for name, method in known.items() if not missing(name)}


def _study_vertebrae(recipes: Mapping[str, Recipe], output: Path, bank: Path) -> list[Batch]:
    """Register the held-out pairs of vertebrae, which chose no network: the last weights are measured.

    Returns the pairs of the first network, which has all levels.
    """
    first: list[Batch] = []
    for name, recipe in recipes.items():
        if recipe.vertebrae is None:
            continue
        pairs = list(vertebra_pairs(recipe, bank).validation())
        first = first or pairs
        path = output / STUDIES / f"{name}.json"
        if not path.exists():
            weights = trained_model(recipe, output / name / LAST).state_dict()
            results = [asdict(found) for found in study(recipe, weights, pairs)]
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(results), encoding="utf-8")
    return first


def _measure_costs(recipes: Mapping[str, Recipe], output: Path) -> None:
    """Once for recipes that differ in their losses alone."""
    path = output / COSTS
    if not path.exists():
        networks = {recipe.network: recipe for recipe in recipes.values()}
        costs = {network: asdict(network_cost(recipe)) for network, recipe in networks.items()}
        found = {name: costs[recipe.network] for name, recipe in recipes.items()}
        path.write_text(json.dumps(found), encoding="utf-8")
