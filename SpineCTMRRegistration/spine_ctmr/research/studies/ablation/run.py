"""Train every recipe on the same patients, register the same test patients, and write the table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from ....choices import Device
from ....phantoms.bank import fill_bank, read_pair
from ....progress import Progress, silent, span
from ...training.batch import Batch
from ...training.recipe import Recipe, recipe_of
from ...training.recipe_file import find_recipe, overlaid, read_toml, recipe_values
from ...training.run_folder import LAST, MILESTONE
from ...training.synthetic_data import SyntheticPatients, make_batch, synthetic_patients
from ...training.trainer import train
from .figures import draw_patient, keep_motion
from .measures import Measures, measure_displacement
from .methods import Method, no_motion, trained_network, untrained_network, whole_registration
from .report import write_report
from .rows import BASELINE
from .staring import staring

BRIEF = Path(__file__).with_name("brief_2mm.toml")
RECIPES = (
    *(BASELINE, "jian_pc", "jian_oc", "jian_rigid_dice", "jian_rigid_field"),
    *("jian_pc_oc", "jian_pc_rigid_dice", "jian_pc_rigid_field", "synthetic_truth"),
)
TEST_SEED = 102
SHOWN = 1
"""The test patient in the picture; the bones of the one before have not moved."""


def run_ablation(
    output: Path,
    budget: Path = BRIEF,
    patients: int = 25,
    with_elastix: bool = False,
    device: Device = "cpu",
    progress: Progress = silent,
) -> Path:
    """Write ablation.md, its table as ablation.csv and its pictures; return the path of the first.

    Whatever is finished is kept: an interrupted ablation goes on where it stopped. The page is written anew
    after every method.

    Args:
        output: created where missing.
        budget: TOML file of recipe keys that replace those of every recipe.
        patients: test patients, whom no training sees.
        with_elastix: measure elastix with the rigidity penalty too (package itk-elastix).
        device: "cpu" or "cuda".
        progress: told after every step.
    """
    recipes = [budgeted(name, budget) for name in RECIPES]
    output.mkdir(parents=True, exist_ok=True)
    data = synthetic_patients(recipes[0], output / "patients", span(progress, 0.0, 0.1))
    for k, recipe in enumerate(recipes):
        part = span(progress, 0.1 + 0.6 * k / len(recipes), 0.1 + 0.6 * (k + 1) / len(recipes))
        train_once(recipe, output, data, device, part)
    spacing = recipes[0].spacing_mm
    methods: dict[str, Method] = {"initial": no_motion, "untrained": untrained_network(recipes[0])}
    for recipe in recipes:
        methods[recipe.name] = trained_network(recipe, output / recipe.name / LAST)
    methods["registration"] = whole_registration(spacing, device)
    if with_elastix:
        methods["staring"] = staring(spacing)
    ((_, shown),) = _test_batches(recipes[0], data.bank, range(SHOWN, SHOWN + 1))
    for k, (name, method) in enumerate(methods.items()):
        part = span(progress, 0.7 + 0.3 * k / len(methods), 0.7 + 0.3 * (k + 1) / len(methods))
        measure_once(name, method, output, recipes[0], data.bank, patients, part)
        draw_patient(output, shown, spacing)
        page = write_report(output, list(methods)[: k + 1], recipes, budget)
    return page


def budgeted(name: str, budget: Path) -> Recipe:
    """A shipped recipe with the keys of a budget in place of its own.

    The budget's table [loss] replaces that of the paper's recipes, which all have the same.
    """
    values, changes = recipe_values(find_recipe(name)), read_toml(budget)
    loss = changes.pop("loss", None)
    if loss is not None and name.startswith("jian_"):
        values["loss"] = loss
    return recipe_of(overlaid(values, changes))


def train_once(
    recipe: Recipe, output: Path, data: SyntheticPatients, device: str, progress: Progress = silent
) -> None:
    """Train a recipe, or finish its training; one with rigidity terms begins at the baseline's milestone."""
    warm = output / BASELINE if recipe.rigidity and (output / BASELINE / MILESTONE).exists() else None
    train(recipe, output / recipe.name, data, True, progress, device, warm)


def measure_once(
    name: str,
    method: Method,
    output: Path,
    recipe: Recipe,
    bank: Path,
    patients: int,
    progress: Progress = silent,
) -> None:
    """Append the test patients that `<name>.csv` lacks; one line for each patient and row of the table."""
    path = output / f"{name}.csv"
    done = _patients_in(path)
    columns = ("row", "patient", *(f.name for f in fields(Measures)))
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        if not done:
            writer.writeheader()
        for number, batch in _test_batches(recipe, bank, range(done, patients)):
            lines = []
            for row, (displacement, seconds) in method(batch).items():
                measures = measure_displacement(batch, displacement, recipe.spacing_mm, seconds)
                lines.append({"row": row, "patient": number, **asdict(measures)})
                if number == SHOWN:
                    keep_motion(output, row, displacement)
            writer.writerows(lines)
            stream.flush()
            progress(f"measuring {name}", (number + 1) / patients)


def _patients_in(path: Path) -> int:
    """Patients that a table holds."""
    if not path.exists():
        return 0
    with path.open(newline="", encoding="utf-8") as stream:
        return len({row["patient"] for row in csv.DictReader(stream)})


def _test_batches(recipe: Recipe, bank: Path, numbers: range) -> Iterator[tuple[int, Batch]]:
    """Test patients, as much of each as the network takes: more than the crops of the training."""
    x, y, z = (n + recipe.data.margin for n in recipe.crop)
    crop = [max(filter(recipe.network.takes, range(side + 1))) for side in (x, y, z)]
    for number in numbers:
        fill_bank(bank, TEST_SEED, range(number, number + 1), (x, y, z), recipe.spacing_mm)
        pair = read_pair(bank, TEST_SEED, number)
        rng = np.random.default_rng([TEST_SEED, number])
        yield number, make_batch(rng, pair, (crop[0], crop[1], crop[2]))
