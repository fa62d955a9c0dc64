"""What the pages of all papers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from ....evaluation.cohort import Cohort
from ....progress import Progress
from ...training.starts import CENTER_ERROR_MM, CENTERS, VERTEBRA
from ..kernel import Method, Patient, Row
from ..networks.causes import OnOthers, causes_section, found_evidence
from ..networks.figures import draw_losses
from ..networks.held_out import (
    HeldOutPatient,
    Shown,
    held_out_patients,
    make_patients,
    read_patient,
)
from ..networks.methods import PACKAGES, Register, by_network, measured, missing, no_motion
from ..networks.results import Overall, cohort_of, mean_cohort, mean_overall, overall_of, rows_of
from ..networks.similarity import truth_table
from ..networks.trainings import BANK, Training, method_name, trained, trainings_table
from ..networks.verdicts import (
    Claim,
    Result,
    against_weights,
    claims_section,
    methods_table,
    what_was_learned,
)
from .paper import PaperRun

START = "initial"
STARTED = {
    CENTERS: "The rigid start matches the centres of the vertebrae; those of the MR are wrong by "
    f"{CENTER_ERROR_MM:g} mm (SD) along each axis, as if set by hand.",
    VERTEBRA: "The rigid start puts one vertebra in its place: L5, or where that is not whole the lowest "
    "whole one.",
}
"""What a page says of the start."""
Registers = Mapping[str, tuple[str, Register]]
"""Registrations without training in the study, with their titles, by name."""


def patients_shown(shown: Shown) -> Callable[[Path, int, Progress], Sequence[Patient[HeldOutPatient]]]:
    """How `Paper.patients` makes patients as the paper sees them."""

    def make(bank: Path, count: int, progress: Progress) -> Sequence[Patient[HeldOutPatient]]:
        make_patients(bank, count, shown, progress)
        return list(held_out_patients(bank, count, shown))

    return make


def all_methods(
    trainings: Sequence[Training], output: Path, others: Registers
) -> list[Method[HeldOutPatient]]:
    """No motion, the networks that have a checkpoint, and the others whose package is installed."""
    networks = [measured(method_name(t, n), t.title, by_network(n)) for t, n in trained(trainings, output)]
    present = {name: what for name, what in others.items() if not missing(name)}
    return [
        measured(START, "rigid start", no_motion),
        *networks,
        *(measured(name, title, register) for name, (title, register) in present.items()),
    ]


def rows_of_training(rows: Sequence[Row], name: str) -> list[Row]:
    """The rows of a trained network."""
    methods = {row.method for row in rows if row.method.rpartition("-")[0] == name}
    return [row for method in sorted(methods) for row in rows_of(rows, method)]


def overall_of_all(run: PaperRun, names: Sequence[str]) -> Overall | None:
    """Means over several trainings, or a method's values; None where none was measured."""
    parts = _measured_parts(run, names)
    return mean_overall([overall_of(part) for part in parts]) if parts else None


def cohort_of_all(run: PaperRun, names: Sequence[str], levels: Sequence[int]) -> Cohort | None:
    """The same for vertebrae of some levels."""
    parts = _measured_parts(run, names)
    return mean_cohort([cohort_of(part, levels) for part in parts]) if parts else None


def _measured_parts(run: PaperRun, names: Sequence[str]) -> list[list[Row]]:
    """The rows of every training or method that has some."""
    found = (rows_of_training(run.rows, name) or rows_of(run.rows, name) for name in names)
    return [rows for rows in found if rows]


def results(run: PaperRun, kinds: Mapping[str, Sequence[str]], others: Registers) -> dict[str, Result]:
    """Methods for `methods_table`: no motion, the kinds of networks, and the others.

    Args:
        run: of the paper.
        kinds: names of the trainings of every kind, by its title.
        others: as for `all_methods`.
    """
    weights = {t.recipe.name: t.recipe.network for t in run.trainings}
    found = {START: Result("rigid start", _needed(run, START))}
    for title, names in kinds.items():
        overall = overall_of_all(run, names)
        if overall is not None:
            parameters = sum(weight.numel() for weight in weights[names[0]].build().parameters())
            found[title] = Result(title, overall, parameters, learned=True)
    for name, (title, _) in others.items():
        overall = overall_of_all(run, [name])
        if overall is not None:
            found[name] = Result(title, overall)
    return found


def _needed(run: PaperRun, name: str) -> Overall:
    overall = overall_of_all(run, [name])
    assert overall is not None
    return overall


def opening(
    run: PaperRun,
    paper: str,
    shown: Shown,
    results: Mapping[str, Result],
    before: str = START,
    taught: str | None = None,
) -> list[str]:
    """Who was tested, what was trained, whether it learned, and what the losses say of the truth.

    Args:
        run: of the paper.
        paper: its name.
        shown: how it sees the patients.
        results: of all methods.
        before: name of the result with which the networks begin.
        taught: name of the result with whose weights the others began, if they did.
    """
    x, y, z = shown.size
    folds = len({training.recipe.data.fold for training in run.trainings})
    command = f"spine-ctmr papers {paper}{f' --folds {folds}' if folds > 1 else ''}"
    patients = len(rows_of(run.rows, START))
    lines = [
        f"Written by `{command}`. {patients} test patients whom no training saw, whose "
        "tissue moves as an elastic solid, as that of most of the training's, all "
        f"**synthetic**, on {x} × {y} × {z} voxels of {shown.spacing_mm:g} mm, with noise, bias fields, "
        f"thick slices and cut fields of view; MR sequence {shown.sequence}. {STARTED[shown.start]} "
        "The networks were trained within the budget below, a small share of the paper's, so the figures "
        "**cannot be compared with the paper's**: they show that every method runs as described, and "
        "which way its losses push.",
        "",
        what_was_learned(results, before, before != START),
        "",
        *([against_weights(results, taught), ""] if taught is not None and taught in results else []),
        "## What was trained",
        "",
        *trainings_table(run.trainings, run.output),
        *truth_table(run.rows),
        "## All methods on the same patients",
        "",
        *methods_table(results, before),
    ]
    return lines


def conclusions(
    run: PaperRun,
    kinds: Mapping[str, Sequence[str]],
    results: Mapping[str, Result],
    before: str,
    claims: Sequence[Claim],
) -> list[str]:
    """What the paper concludes and whether that comes out alike, with tested causes.

    Args:
        run: of the paper.
        kinds: names of the trainings of every kind, by its title.
        results: of all methods.
        before: name of the result with which the networks begin.
        claims: of the paper.
    """
    still = results[before].overall["bone_mm"]
    tests = {t: OnOthers(still, results[t].overall["bone_mm"]) for t in kinds if t in results}
    evidence = found_evidence(run.trainings, run.output, kinds, tests)
    return [
        *causes_section(evidence, "error in bone in mm"),
        *claims_section(claims, {title: found.cause for title, found in evidence.items()}),
    ]


def absent(run: PaperRun, others: Registers) -> list[str]:
    """Trainings without a checkpoint and methods without a package, in one sentence."""
    begun = {row.method.rpartition("-")[0] for row in run.rows}
    names = [training.title for training in run.trainings if training.recipe.name not in begun]
    names += [f"{others[name][0]} (needs the package {PACKAGES[name]})" for name in others if missing(name)]
    return [f"**Without figures: {', '.join(names)}.**", ""] if names else []


def closing(run: PaperRun, pictures: str, budgets: Sequence[Path]) -> list[str]:
    """Loss curves and budgets."""
    runs = {
        t.title: run.output / t.recipe.name
        for t in run.trainings
        if (run.output / t.recipe.name / "steps.csv").exists()
    }
    lines = [
        "## Loss curves",
        "",
        "Every step has other patients, on whom its loss depends as much as on the weights.",
        "",
    ]
    if runs:
        draw_losses(run.output / f"{pictures}-losses.png", runs)
        lines += [f"![]({pictures}-losses.png)", ""]
    lines += ["## Budget", "", "These keys replace those of the recipes in `training/recipes`.", ""]
    for budget in budgets:
        lines += ["```toml", budget.read_text(encoding="utf-8").rstrip(), "```", ""]
    return lines


def shown_patient(run: PaperRun, shown: Shown, share: float = 1.0) -> HeldOutPatient:
    """The test patient at this share of the errors in bone at the start: 1 is the worst, 0.5 the median."""
    rows = rows_of(run.rows, START)
    errors = np.array([row.values["overall"]["bone_mm"] for row in rows])
    chosen = int(np.argsort(errors)[round(share * (len(errors) - 1))])
    return read_patient(run.output / BANK, int(rows[chosen].patient.rpartition("-")[2]), shown)


def displacements(
    run: PaperRun, patient: HeldOutPatient, names: Mapping[str, str], others: Registers
) -> dict[str, Tensor]:
    """What methods make of a patient, by title; those without a checkpoint or package are left out.

    Args:
        run: of the paper.
        patient: to register.
        names: of trainings, or of `others`, by title.
        others: as for `all_methods`.
    """
    networks = {t.recipe.name: by_network(n) for t, n in trained(run.trainings, run.output)}
    known = {START: no_motion, **networks, **{n: r for n, (_, r) in others.items() if not missing(n)}}
    return {title: known[name](patient) for title, name in names.items() if name in known}
