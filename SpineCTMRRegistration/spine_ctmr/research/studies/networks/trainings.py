"""The trainings of a study, in order: kept, resumed, and told about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

from ....evaluation.markdown import header, line, number
from ....json_files import read_json
from ....network.find_network import LAST
from ....progress import Progress, silent, span
from ...training.batch import TrainingData
from ...training.recipe import Recipe, recipe_of
from ...training.recipe_file import find_recipe, overlaid, recipe_values
from ...training.run_folder import RECIPE
from ...training.run_log import read_log
from ...training.synthetic_data import synthetic_patients
from ...training.trainer import train
from ...training.vertebra_pairs import vertebra_pairs
from .held_out import Shown
from .methods import TrainedNetwork, read_network

BANK = "patients"
"""Where synthetic patients are kept. Every training has a folder of its recipe's name beside it."""


@dataclass(frozen=True)
class Training:
    """One network to train.

    Attributes:
        recipe: what to train; its name is that of the run's folder.
        title: in tables.
        begins_with: name of the training whose averaged weights it begins with, if any.
        milestone_of: name of the training at whose milestone its rigidity stage begins, if any.
    """

    recipe: Recipe
    title: str
    begins_with: str | None = None
    milestone_of: str | None = None


def budgeted(name: str, budget: Path, steps: int | None = None) -> Recipe:
    """A shipped recipe with the keys of a budget file in place of its own, and so many steps, if given."""
    recipe = recipe_of(overlaid(recipe_values(find_recipe(name)), recipe_values(budget)))
    return recipe if steps is None else replace(recipe, steps=steps)


def shown_as(recipe: Recipe) -> Shown:
    """The test patients of a study, as those that its networks learn from."""
    return Shown(recipe.data.sequence, recipe.data.start)


def train_all(
    trainings: Sequence[Training], output: Path, device: str = "cpu", progress: Progress = silent
) -> None:
    """Train every network, or finish its training.

    One that begins at a milestone begins anew where it gets more steps than before: so lies the milestone.
    """
    for k, training in enumerate(trainings):
        part = span(progress, k / len(trainings), (k + 1) / len(trainings))
        recipe = training.recipe
        data = training_data(recipe, output / BANK, span(part, 0.0, 0.1))
        weights = output / training.begins_with / LAST if training.begins_with else None
        warm = output / training.milestone_of if training.milestone_of else None
        if warm is not None and _shorter(output / recipe.name, recipe):
            rmtree(output / recipe.name)
        train(recipe, output / recipe.name, data, True, span(part, 0.1, 1.0), device, warm, weights)


def _shorter(run: Path, recipe: Recipe) -> bool:
    """Whether a run was meant for fewer steps."""
    kept = run / RECIPE
    return kept.exists() and bool(read_json(kept, "remove its folder")["steps"] < recipe.steps)


def training_data(recipe: Recipe, bank: Path, progress: Progress = silent) -> TrainingData:
    """The synthetic patients, or vertebrae, of a recipe."""
    if recipe.vertebrae is None:
        return synthetic_patients(recipe, bank, progress)
    return vertebra_pairs(recipe, bank, progress)


def trained(trainings: Sequence[Training], output: Path) -> Iterator[tuple[Training, TrainedNetwork]]:
    """The networks that have a checkpoint, finished or not."""
    for training in trainings:
        checkpoint = output / training.recipe.name / LAST
        if checkpoint.exists():
            yield training, read_network(training.recipe, checkpoint)


def method_name(training: Training, network: TrainedNetwork) -> str:
    """Another one for every number of steps, so that a network that learned on is measured anew."""
    return f"{training.recipe.name}-{network.steps}"


def trainings_table(trainings: Sequence[Training], output: Path) -> list[str]:
    """What every network was given, and what its held-out pairs say; losses alone depend on the patients."""
    titles = {training.recipe.name: training.title for training in trainings}
    columns = ["network", "begins with", "steps × batch", "crop", "voxels, mm", "optimiser", "minutes"]
    lines = header([*columns, "held-out error in bone (no motion), mm", "held-out Dice"])
    total = 0.0
    for training in trainings:
        rows = read_log(output / training.recipe.name / "steps.csv")
        minutes = sum(float(row["seconds"]) for row in rows) / 60
        total += minutes
        steps = int(rows[-1]["step"]) if rows else 0
        lines.append(line(_cells(training, titles, steps, minutes, output)))
    return [*lines, "", f"{total:.0f} minutes in all, by the clock of a machine that did other work too.", ""]


def _cells(
    training: Training, titles: Mapping[str, str], steps: int, minutes: float, output: Path
) -> list[str]:
    recipe = training.recipe
    first = training.begins_with or training.milestone_of
    done = f"{steps}" if steps >= recipe.steps else f"**{steps} of {recipe.steps}**"
    if training.milestone_of:
        own = len(read_log(output / recipe.name / "steps.csv"))
        done = f"{steps - own} of {titles[training.milestone_of]} + {own}"
    crop = " × ".join(str(n) for n in recipe.crop)
    rate = f"{recipe.optimisation.optimiser.capitalize()} {recipe.optimisation.learning_rate:g}"
    held_out = read_log(output / recipe.name / "validation.csv")[-1:]
    bone, still, overlap = (
        number(float(held_out[0][key])) if held_out else "–" for key in ("bone_mm", "zero_bone_mm", "dice")
    )
    begins = titles[first] if first else "random weights"
    shown = [training.title, begins, f"{done} × {recipe.batch}", crop, f"{recipe.spacing_mm:g}", rate]
    return [*shown, f"{minutes:.1f}", f"{bone} ({still})", overlap]
