"""Jian et al. 2022 at the authors' own 1 mm and in their crops, as far as one core goes; Table 1 again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...training.recipe_file import read_toml
from ..kernel import Method, write_page
from ..networks.contours import draw_contours
from ..networks.held_out import HeldOutPatient
from ..networks.similarity import truth_method
from ..networks.trainings import Training, budgeted, shown_as
from . import jian
from .pages import (
    START,
    absent,
    all_methods,
    closing,
    conclusions,
    displacements,
    opening,
    patients_shown,
    results,
    shown_patient,
)
from .paper import Paper, PaperRun

NAME = "jian-1mm"
TAUGHT_BUDGET, BUDGET = (Path(__file__).with_name(f"jian_1mm_{part}.toml") for part in ("taught", "brief"))
TAUGHT = "synthetic_truth_1mm"
PENALISED = (*jian.SINGLE, "jian_pc_rigid_dice")
SHOWN = replace(shown_as(budgeted(jian.BASELINE, BUDGET)), spacing_mm=1.0)


def trainings(steps: int | None, folds: int) -> list[Training]:
    """Known displacement at 2 mm, whose weights learn on at 1 mm; then as in `jian.trainings`."""
    coarse = budgeted(jian.TAUGHT, jian.TAUGHT_BUDGET, steps)
    taught = replace(budgeted(jian.TAUGHT, TAUGHT_BUDGET, steps), name=TAUGHT)
    baseline = budgeted(jian.BASELINE, BUDGET, steps)
    return [
        Training(coarse, "known displacement, 2 mm"),
        Training(taught, jian.WITHOUT_PENALTY[jian.TAUGHT], begins_with=coarse.name),
        Training(baseline, jian.WITHOUT_PENALTY[jian.BASELINE], begins_with=TAUGHT),
        *(
            Training(budgeted(name, BUDGET, steps), jian.PENALISED[name], milestone_of=jian.BASELINE)
            for name in PENALISED
        ),
    ]


def methods(trainings: Sequence[Training], output: Path) -> list[Method[HeldOutPatient]]:
    """See `Paper`."""
    tested = _tested(trainings)
    baseline = [training.recipe for training in tested if training.recipe.name == jian.BASELINE]
    return [*all_methods(tested, output, {}), truth_method(baseline)]


def _tested(trainings: Sequence[Training]) -> list[Training]:
    """Those whose voxels are the patients'."""
    return [training for training in trainings if training.recipe.spacing_mm == SHOWN.spacing_mm]


def publish(run: PaperRun) -> Path:
    """See `Paper`."""
    tested = replace(run, trainings=_tested(run.trainings))
    kinds = {training.title: [training.recipe.name] for training in tested.trainings}
    found = results(tested, kinds, {})
    rows = {result.title: result.overall for result in found.values()}
    shown = {"rigid start": START, "baseline": jian.BASELINE, "pc + rigid dice": "jian_pc_rigid_dice"}
    patient = shown_patient(run, SHOWN, 0.5)
    draw_contours(run.output / f"{NAME}-patient.png", patient, displacements(tested, patient, shown, {}))
    return write_page(
        run.output / f"{NAME}.md",
        [
            f"# {PAPER.title}",
            "",
            *opening(run, NAME, SHOWN, found, taught=jian.WITHOUT_PENALTY[jian.TAUGHT]),
            *absent(tested, {}),
            "## Table 1",
            "",
            "As on the [page at 2 mm](jian.md): the same anatomies and motions, scanned anew on voxels of "
            "1 mm. What one core teaches at 1 mm in an hour is less than at 2 mm, where the same anatomy is "
            "an eighth of the voxels.",
            "",
            *jian.table(rows, read_toml(jian.PUBLISHED)),
            "",
            "A test patient with a median error at the start:",
            "",
            f"![]({NAME}-patient.png)",
            "",
            *conclusions(tested, kinds, found, START, [c for c in jian.claims(rows) if c.change is not None]),
            *closing(run, NAME, [jian.TAUGHT_BUDGET, TAUGHT_BUDGET, BUDGET]),
        ],
    )


PAPER = Paper(
    name=NAME,
    title="Jian et al. 2022, at the authors' 1 mm",
    most_folds=1,
    trainings=trainings,
    patients=patients_shown(SHOWN),
    methods=methods,
    publish=publish,
)
