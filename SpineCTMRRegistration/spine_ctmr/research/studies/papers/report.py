"""The page: what was trained, what it learned, and the tables of three papers beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ....evaluation.cohort import read_cohort
from ....evaluation.markdown import header, line, number
from ....network.vanulsen import VanUlsenOptions
from ...training.batch import Batch
from ...training.outcome import Outcome
from ...training.recipe import Recipe
from ...training.recipe_file import read_toml
from ...training.run_folder import LAST
from ...training.run_log import read_log
from ...training.state import predicted_motion
from ..vertebra_study import Overlap, PairResult
from .figures import draw_folding, draw_losses, draw_violins
from .folder import (
    BUDGETS,
    CHOSEN_WEIGHT,
    COSTS,
    MEASURED,
    SMOOTHNESS_WEIGHTS,
    START,
    START_RECIPE,
    START_WEIGHT,
    STUDIES,
    brief_recipes,
    budget_file,
    first_of,
    level_recipes,
    start_recipe,
    weighted_name,
    weighted_recipes,
)
from .measures import read_overall
from .methods import PACKAGES, Method, missing, no_motion, trained_model, trained_network
from .names import LEVELS, TITLES, VANULSEN, title
from .patients import SEQUENCE, SIZE, SPACING_MM, HeldOutPatient
from .sections import (
    all_methods,
    cao_section,
    gao_section,
    of_levels,
    vanulsen_section,
    what_was_learned,
)
from .slices import draw_patient, draw_vertebra_pair

VERTEBRA_NETWORKS = BUDGETS["vertebrae_brief.toml"]
PUBLISHED = Path(__file__).with_name("published.toml")
PAGE = "PAPERS.md"
VIOLINS, PATIENT, VERTEBRAE, LOSSES, FOLDING = (
    f"papers-{name}.png" for name in ("violins", "patient", "vertebrae", "losses", "folding")
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
    weights = {weight: output / MEASURED / weighted_name(weight) for weight in SMOOTHNESS_WEIGHTS}
    draw_folding(output / FOLDING, {weight: read_overall(folder) for weight, folder in weights.items()})
    trained = {START: start_recipe(), **recipes, **weighted_recipes(), **level_recipes()}
    draw_losses(output / LOSSES, [output / name for name in trained])
    lines = [
        "# Van Ulsen 2022, Cao et al. 2018, Gao and Zheng 2022 on synthetic patients",
        "",
        *_conditions(len(cohorts["initial"])),
        what_was_learned(overall, studies),
        "",
        *_trainings(output, trained),
        "## All networks on the same patients",
        "",
        *_explained_table(all_methods(overall, costs)),
        *_absent(folders),
        "## Van Ulsen 2022, Table 4.1",
        "",
        *_vanulsen_text(),
        *vanulsen_section(cohorts, published),
        "",
        f"![]({FOLDING})",
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
        "Folds are voxels of a crop of 64 × 64 × 48; the paper's has 128 × 128 × 64. The networks of study I "
        "go on from that of study II.",
        "",
        *gao_section(studies, published),
        "",
        f"![]({VERTEBRAE})",
        "",
        "## Loss curves",
        "",
        "Every step has other patients, on whom its loss depends as much as on the weights.",
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
        f"on {x} × {y} × {z} voxels of {SPACING_MM:g} mm (the papers: real patients at 1 mm). Their MR is of "
        f"one sequence, {SEQUENCE}, as in the thesis, and all images are ideal: without noise, bias fields, "
        "thick slices and cut fields of view. Every network was trained for minutes on one CPU core, the "
        "papers' for hours or days on GPUs. So the figures **cannot be compared with the papers'**: they "
        "show that each method runs as described, and which way its losses push.",
        "",
    ]


def _trainings(output: Path, recipes: Mapping[str, Recipe]) -> list[str]:
    """What every network was given, and what its held-out pairs say; losses alone depend on the patients."""
    lines = ["## What was trained", ""]
    columns = ["network", "begins with", "steps × batch", "crop", "voxels, mm", "optimiser", "minutes"]
    lines += header([*columns, "held-out error in bone (no motion), mm", "held-out Dice"])
    total, short = 0.0, []
    for name, recipe in recipes.items():
        rows = read_log(output / name / "steps.csv")
        if len(rows) < recipe.steps:
            short.append(f"{title(name)} {len(rows)} of {recipe.steps}")
        minutes = sum(float(row["seconds"]) for row in rows) / 60
        total += minutes
        held_out = read_log(output / name / "validation.csv")[-1]
        bone, none, dice = (number(float(held_out[key])) for key in ("bone_mm", "zero_bone_mm", "dice"))
        crop = " × ".join(str(n) for n in recipe.crop)
        rate = f"{recipe.optimisation.optimiser.capitalize()} {recipe.optimisation.learning_rate:g}"
        first = first_of(name)
        begins = title(first) if first else "random weights"
        cells = [begins, f"{len(rows)} × {recipe.batch}", crop, f"{recipe.spacing_mm:g}", rate]
        lines.append(line([title(name), *cells, f"{minutes:.1f}", f"{bone} ({none})", dice]))
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
        "Cao's network, which cuts 80 mm off every side, sees air beyond the image, as in `register`.",
        "",
    ]


def _absent(measured: Iterable[str]) -> list[str]:
    reasons = {
        name: f"needs the package {PACKAGES[name]}" if missing(name) else "not run" for name in PACKAGES
    }
    absent = [f"{TITLES[name]} ({reason})" for name, reason in reasons.items() if name not in measured]
    return [f"Without figures: {', '.join(absent)}.", ""] if absent else []


def _vanulsen_text() -> list[str]:
    ours = sum(weight.numel() for weight in brief_recipes()[START_RECIPE].network.build().parameters())
    described = sum(weight.numel() for weight in VanUlsenOptions().build().parameters())
    return [
        "Median ± interquartile range; † differs from Rigid and \\* from US (Wilcoxon, p < 0.05, not "
        "corrected); in italics the thesis's. Its rigid start aligned L5 by its labels; ours has the errors "
        f"of centroids. As the thesis describes it, its network has {described:,} parameters, half of the "
        f"about 160,000 that it names; with twice the filters, as trained here, {ours:,}.",
        "",
        "All four networks begin with the weights of one training by mutual information with a tenth of the "
        "thesis's smoothness, and go on with the thesis's weights. In figure 4.1 below, in the thesis's "
        f"units, {START_WEIGHT:g} is that first training itself, {CHOSEN_WEIGHT:g} the thesis's choice and "
        "the network US, and the others go on from the first training, too. Bars are standard errors.",
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
    """Results by study; those of the networks of study I together."""
    files = {"study1": list(level_recipes())} | {name: [name] for name in VERTEBRA_NETWORKS}
    return {
        study: [found for name in names for found in _results(output / STUDIES / f"{name}.json")]
        for study, names in files.items()
    }


def _results(path: Path) -> list[PairResult]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [
        PairResult(**{**row, "overlaps": {k: Overlap(**v) for k, v in row["overlaps"].items()}})
        for row in rows
    ]


def _budgets() -> list[str]:
    lines: list[str] = []
    for file in (f"{START}.toml", *BUDGETS):
        lines += ["```toml", budget_file(file).read_text(encoding="utf-8").rstrip(), "```", ""]
    return lines
