"""The page: what was trained, what it learned, and the tables of three papers beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ...quality.cohort import read_cohort
from ...quality.markdown import header, line, number
from ...training.batch import Batch
from ...training.outcome import Outcome
from ...training.recipe import Recipe
from ...training.recipe_file import read_toml
from ...training.run_folder import LAST
from ...training.run_log import read_log
from ...training.state import predicted_motion
from ..vertebra_study import Overlap, PairResult
from .figures import draw_losses, draw_violins
from .folder import BUDGETS, COSTS, MEASURED, STUDIES, brief_recipes, budget_file
from .measures import read_overall
from .methods import PACKAGES, Method, missing, no_motion, trained_model, trained_network
from .names import LEVELS, TITLES, VANULSEN
from .patients import SIZE, SPACING_MM, HeldOutPatient
from .sections import (
    all_methods,
    cao_section,
    gao_section,
    of_levels,
    vanulsen_section,
    what_was_learned,
)
from .slices import draw_patient, draw_vertebra_pair

PUBLISHED = Path(__file__).with_name("published.toml")
PAGE = "PAPERS.md"
VIOLINS, PATIENT, VERTEBRAE, LOSSES = (
    f"papers-{name}.png" for name in ("violins", "patient", "vertebrae", "losses")
)


def write_report(output: Path, recipes: Mapping[str, Recipe], patient: HeldOutPatient, pair: Batch) -> Path:
    """Write PAPERS.md and its pictures from what the folder holds; return the path of the page.

    Args:
        output: with the runs, measures, studies and costs.
        recipes: that were trained, by name.
        patient: to show in van Ulsen's figure.
        pair: of vertebrae to show in Gao and Zheng's.
    """
    folders = {name: output / MEASURED / name for name in TITLES if (output / MEASURED / name).is_dir()}
    cohorts = {name: read_cohort(folder) for name, folder in folders.items()}
    overall = {name: read_overall(folder) for name, folder in folders.items()}
    studies = _studies(output)
    published, costs = read_toml(PUBLISHED), json.loads((output / COSTS).read_text(encoding="utf-8"))
    draw_violins(
        output / VIOLINS, {title: of_levels(cohorts[name]) for name, title in VANULSEN.items()}, LEVELS
    )
    draw_patient(output / PATIENT, patient, _displacements(output, recipes, patient))
    draw_vertebra_pair(output / VERTEBRAE, _outcomes(output, recipes, pair))
    draw_losses(output / LOSSES, [output / name for name in recipes])
    lines = [
        "# Van Ulsen 2022, Cao et al. 2018, Gao and Zheng 2022 on synthetic patients",
        "",
        *_conditions(len(cohorts["initial"])),
        what_was_learned(overall, studies),
        "",
        *_trainings(output, recipes),
        "## All networks on the same patients",
        "",
        *_explained_table(all_methods(overall, costs)),
        *_absent(folders),
        "## Van Ulsen 2022, Table 4.1",
        "",
        *_vanulsen_text(),
        *vanulsen_section(cohorts, published),
        "",
        f"![]({VIOLINS})",
        "",
        "Below the test patient with the largest error in bone at the start, in the sagittal slice with most "
        "bone (the thesis's figure 4.3).",
        "",
        f"![]({PATIENT})",
        "",
        "## Cao et al. 2018, Table 1",
        "",
        "Lumbar vertebrae L3 to L5 of the synthetic patients, mean ± SD.",
        "",
        *cao_section(cohorts, published),
        "",
        "## Gao and Zheng 2022, Tables 1 to 4",
        "",
        "Pairs of CT vertebrae of different synthetic subjects at 2 mm, each held-out one with the next. "
        "Folds are voxels of a crop of 64 × 64 × 48; the paper's has 128 × 128 × 64.",
        "",
        *gao_section(studies, published),
        "",
        f"![]({VERTEBRAE})",
        "",
        "## Loss curves",
        "",
        "With so few steps a loss depends more on the patient of its step than on the weights.",
        "",
        f"![]({LOSSES})",
        "",
        "## Budgets",
        "",
        "These keys replace those of the recipes; everything else is as in training/recipes.",
        "",
        *_budgets(),
    ]
    path = output / PAGE
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def _conditions(patients: int) -> list[str]:
    x, y, z = SIZE
    return [
        f"Written by `spine-ctmr papers`. {patients} test patients whom no training saw, all **synthetic**, "
        f"on {x} × {y} × {z} voxels of {SPACING_MM:g} mm (the papers: real patients at 1 mm). Every network "
        "was trained for minutes on one CPU core, the papers' for hours or days on GPUs. So the figures "
        "**cannot be compared with the papers'**: they show that each method runs as described, and which "
        "way its losses push.",
        "",
    ]


def _trainings(output: Path, recipes: Mapping[str, Recipe]) -> list[str]:
    """What every network was given, and what its held-out pairs say; losses alone depend on the patients."""
    lines = ["## What was trained", ""]
    lines += header(
        ["network", "steps × batch", "crop", "optimiser", "minutes", "held-out error in bone (no motion), mm"]
    )
    total, planned = 0.0, brief_recipes()
    short = []
    for name, recipe in recipes.items():
        rows = read_log(output / name / "steps.csv")
        if len(rows) < planned[name].steps:
            short.append(f"{TITLES[name]} {len(rows)} of {planned[name].steps}")
        minutes = sum(float(row["seconds"]) for row in rows) / 60
        total += minutes
        held_out = read_log(output / name / "validation.csv")[-1]
        bone, none = (number(float(held_out[key])) for key in ("bone_mm", "zero_bone_mm"))
        crop = " × ".join(str(n) for n in recipe.crop)
        rate = f"{recipe.optimisation.optimiser.capitalize()} {recipe.optimisation.learning_rate:g}"
        cells = [f"{len(rows)} × {recipe.batch}", crop, rate, f"{minutes:.1f}", f"{bone} ({none})"]
        lines.append(line([TITLES[name], *cells]))
    lines += ["", f"{total:.0f} minutes in all, by the clock of a machine that did other work too.", ""]
    if short:
        lines += [f"**Fewer steps than the budgets below**: {', '.join(short)}.", ""]
    return lines


def _explained_table(table: Sequence[str]) -> list[str]:
    return [
        *table,
        "",
        "Mean (SD) over the patients. DSC: vertebrae that the image does not cut. Errors: mean distance to "
        "the true displacement in bone and elsewhere. Not rigid: RMS distance of the displacement in a moved "
        "vertebra from its best rigid motion. Folding voxels: det J ≤ 0. Last column: paired change of the "
        "error in bone, mean ± standard error; within two standard errors it counts as none. Time of one "
        "thread; memory of images, network and displacement together, where measured. AVoxelMorph and "
        "ACSGRegNet learned on CT pairs of single vertebrae and are shown here what they were not made for; "
        "Cao's network, which cuts 40 mm off every side, sees air beyond the image, as in `register`.",
        "",
    ]


def _absent(measured: Iterable[str]) -> list[str]:
    reasons = {
        name: f"needs the package {PACKAGES[name]}" if missing(name) else "not run" for name in PACKAGES
    }
    absent = [f"{TITLES[name]} ({reason})" for name, reason in reasons.items() if name not in measured]
    return [f"Without figures: {', '.join(absent)}.", ""] if absent else []


def _vanulsen_text() -> list[str]:
    return [
        "Median ± interquartile range; † differs from Rigid and \\* from US (Wilcoxon, p < 0.05, not "
        "corrected); in italics the thesis's. Its rigid start aligned L5 by its labels; ours has the errors "
        "of centroids. Figure 4.1 (folding against the weight of the regularisation) needs a training for "
        "every weight and was **not done** within this budget.",
        "",
    ]


def _displacements(
    output: Path, recipes: Mapping[str, Recipe], patient: HeldOutPatient
) -> dict[str, torch.Tensor]:
    """What van Ulsen's networks make of one patient."""
    methods: dict[str, Method] = {
        title: trained_network(recipes[name], output / name / LAST) if name in recipes else no_motion
        for name, title in VANULSEN.items()
        if name != "initial"
    }
    return {title: method(patient) for title, method in methods.items()}


def _outcomes(output: Path, recipes: Mapping[str, Recipe], pair: Batch) -> dict[str, Outcome]:
    outcomes = {}
    with torch.no_grad():
        for name, recipe in recipes.items():
            if recipe.vertebrae is not None:
                model = trained_model(recipe, output / name / LAST)
                motion = predicted_motion(recipe, model, model, pair)
                outcomes[TITLES[name]] = Outcome(pair, motion, recipe.spacing_mm)
    return outcomes


def _studies(output: Path) -> dict[str, list[PairResult]]:
    found = {}
    for path in sorted((output / STUDIES).glob("*.json"), reverse=True):
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = [
            PairResult(**{**row, "overlaps": {k: Overlap(**v) for k, v in row["overlaps"].items()}})
            for row in rows
        ]
    return found


def _budgets() -> list[str]:
    lines: list[str] = []
    for file in BUDGETS:
        lines += ["```toml", budget_file(file).read_text(encoding="utf-8").rstrip(), "```", ""]
    return lines
