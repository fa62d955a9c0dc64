"""Gao and Zheng 2022: studies I to III on pairs of single vertebrae, Tables 1 to 4, figures 5 and 6."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....evaluation.markdown import line, number
from ....imaging.vertebra_names import vertebra_name
from ....progress import Progress
from ...training.batch import Batch
from ...training.outcome import Outcome
from ...training.recipe import Recipe
from ...training.recipe_file import read_toml
from ...training.state import predicted_motion
from ...training.vertebra_options import VertebraOptions
from ...training.vertebra_pairs import TEST_SEED, pair_of, synthetic_vertebrae
from ..kernel import Method, Patient, Values, write_page
from ..networks.causes import OnOthers, causes_section, found_evidence
from ..networks.methods import TrainedNetwork
from ..networks.results import rows_of
from ..networks.trainings import BANK, Training, budgeted, method_name, trained, trainings_table
from ..networks.verdicts import Claim, claims_section, is_lower
from .gao_figures import draw_stage_losses, draw_vertebra_pair
from .gao_pairs import PairResult, folding_table, overlap_table, pair_result, result_of, values_of
from .pages import closing, rows_of_training
from .paper import Paper, PaperRun

NAME = "gao"
BUDGET, PUBLISHED = (Path(__file__).with_name(f"{name}.toml") for name in ("gao_brief", "published"))
STUDY_2, STUDY_3 = "avoxelmorph", "acsgregnet_small"
TITLES = {
    "study1": "AVoxelMorph for every level (study I)",
    STUDY_2: "AVoxelMorph (study II)",
    STUDY_3: "ACSGRegNet, small (study III)",
}
PATIENTS_PER_SUBJECT = 2.4
"""Test patients of the other papers for one test subject here, each of whom is paired with every other: the
paper's ten where those have 24."""
FEWEST_SUBJECTS = 5


def level_name(level: int) -> str:
    """Of a training of study I."""
    return f"{STUDY_2}_level_{level}"


def trainings(steps: int | None, folds: int) -> list[Training]:
    """Studies II and III, and of study I a network for every level, all from random weights of their own."""
    both = [Training(budgeted(name, BUDGET, steps), TITLES[name]) for name in (STUDY_2, STUDY_3)]
    all_levels = both[0].recipe
    return both + [
        Training(
            replace(
                all_levels,
                name=level_name(level),
                vertebrae=replace(_options(all_levels), levels=(level,)),
            ),
            f"AVoxelMorph of {vertebra_name(level)} (study I)",
        )
        for level in _options(all_levels).levels
    ]


def _options(recipe: Recipe) -> VertebraOptions:
    return recipe.vertebrae or VertebraOptions()


def patients(bank: Path, count: int, progress: Progress) -> Sequence[Patient[Batch]]:
    """Every test subject's vertebra with that of every other one, at every level."""
    recipe = budgeted(STUDY_2, BUDGET)
    subjects = max(FEWEST_SUBJECTS, round(count / PATIENTS_PER_SUBJECT))
    files = synthetic_vertebrae(recipe, bank, TEST_SEED, subjects, progress=progress)
    return [
        Patient(
            f"{vertebra_name(level)}-{fixed}-{moving}",
            partial(pair_of, level, of_level[fixed], of_level[moving]),
            vertebra_name(level),
        )
        for level, of_level in files.items()
        for fixed in range(subjects)
        for moving in range(subjects)
        if moving != fixed
    ]


def methods(trainings: Sequence[Training], output: Path) -> list[Method[Batch]]:
    """See `Paper`; the five networks of study I are one method, once all of them have a checkpoint."""
    networks = {t.recipe.name: (t, n) for t, n in trained(trainings, output)}
    found = [
        Method(method_name(*networks[name]), TITLES[name], partial(_measure, networks[name][1]))
        for name in (STUDY_2, STUDY_3)
        if name in networks
    ]
    levels = {level: level_name(level) for level in _options(trainings[0].recipe).levels}
    if all(name in networks for name in levels.values()):
        of_level = {level: networks[name][1] for level, name in levels.items()}
        steps = sum(network.steps for network in of_level.values())
        found.append(Method(f"study1-{steps}", TITLES["study1"], partial(_measure_level, of_level)))
    return found


def _measure(network: TrainedNetwork, batch: Batch) -> Values:
    return values_of(pair_result(_outcome(network, batch)))


def _measure_level(networks: Mapping[int, TrainedNetwork], batch: Batch) -> Values:
    return _measure(networks[int(batch.labels.max())], batch)


def _outcome(network: TrainedNetwork, batch: Batch) -> Outcome:
    with torch.no_grad():
        motion = predicted_motion(network.recipe, network.model, network.model, batch)
    return Outcome(batch, motion, network.recipe.spacing_mm)


def publish(run: PaperRun) -> Path:
    """See `Paper`."""
    found = {name: _results(run, name) for name in TITLES}
    found = {name: results for name, results in found.items() if results}
    pairs = len(next(iter(found.values()), {}))
    subjects = 1 + int((pairs / 5 + 0.25) ** 0.5 - 0.5)
    lines = [
        f"# {PAPER.title}",
        "",
        f"Written by `spine-ctmr papers {NAME}`. {pairs} ordered pairs of CT vertebrae of {subjects} "
        "**synthetic** test subjects whom no training saw, at 2 mm on 64 × 64 × 48 voxels (the paper: 450 "
        "pairs of 10 real subjects at 1 mm on 128 × 128 × 64). Every network was trained from random "
        "weights of its own within the budget below. AVoxelMorph gives the displacement itself and can "
        "fold; ACSGRegNet integrates a velocity, which folds only by its sampling. Folds are counted in "
        "the whole image, as in the paper. A network of study I learned from its own level alone, "
        "in as many steps and of as many pairs as the others, about as in the paper. Each subject is in many "
        "pairs, fixed and moving: standard errors are those over subjects, by the jackknife.",
        "",
        _learned(found),
        "",
        "## What was trained",
        "",
        *trainings_table(run.trainings, run.output),
        "## Tables 1 to 4",
        "",
        *tables(found, read_toml(PUBLISHED)),
        *_figures(run),
        *_conclusions(run, found),
        *closing(run, NAME, [BUDGET]),
    ]
    return write_page(run.output / f"{NAME}.md", lines)


Results = Mapping[str, PairResult]
"""Of one network, by the pair's name."""


def _results(run: PaperRun, name: str) -> Results:
    rows = rows_of_training(run.rows, name) or rows_of(run.rows, name)
    return {row.patient: result_of(row.values) for row in rows}


def _learned(found: Mapping[str, Results]) -> str:
    """Which networks cover the fixed vertebra better than no motion beyond chance."""
    change = {
        name: by_subject(list(results), _missed(results, "final") - _missed(results, "initial"))
        for name, results in found.items()
    }
    able = [TITLES[name] for name, values in change.items() if is_lower(values)]
    unable = [TITLES[name] for name in change if TITLES[name] not in able]
    said = f"Better than no motion beyond chance (Dice): {'; '.join(able) or 'none'}."
    return said + (f" **Not better: {'; '.join(unable)}.**" if unable else "")


def tables(found: Mapping[str, Results], published: Mapping[str, Any]) -> list[str]:
    """Tables 1 to 4 by level, and the paper's averages in a line of their own; it has no folds of study I."""
    lines: list[str] = []
    for name, by_pair in found.items():
        results = list(by_pair.values())
        paper = published["gao"][name]
        overlaps = overlap_table(results).splitlines()
        theirs = [f"{v:.3f}" for key in ("dice", "precision", "recall", "assd_mm") for v in paper[key]]
        lines += [f"### {TITLES[name]}", "", *overlaps, line(["*paper's average*", *theirs]), ""]
        lines += folding_table(results).splitlines()
        if "folded_voxels" in paper:
            their_folds = [number(value) for value in (*paper["folded_voxels"], *paper["folded_percent"])]
            lines.append(line(["*paper's average*", *their_folds]))
        lines.append("")
    return lines


def _figures(run: PaperRun) -> Iterator[str]:
    networks = {t.recipe.name: n for t, n in trained(run.trainings, run.output)}
    runs = {TITLES[name]: run.output / name for name in (STUDY_2, STUDY_3) if name in networks}
    if len(runs) == 2:
        draw_stage_losses(run.output / "gao-stages.png", runs)
        yield from ("Figure 5: losses of the two stages during training.", "", "![](gao-stages.png)", "")
    level = min(_options(run.trainings[0].recipe).levels)
    shown = {TITLES[name]: name for name in (STUDY_2, STUDY_3)} | {TITLES["study1"]: level_name(level)}
    files = synthetic_vertebrae(run.trainings[0].recipe, run.output / BANK, TEST_SEED, 2)[level]
    pair = pair_of(level, *files)
    outcomes = {title: _outcome(networks[name], pair) for title, name in shown.items() if name in networks}
    if outcomes:
        draw_vertebra_pair(run.output / "gao-pair.png", outcomes)
        yield from (f"Figure 6: a test pair of {vertebra_name(level)}.", "", "![](gao-pair.png)", "")


def _conclusions(run: PaperRun, found: Mapping[str, Results]) -> list[str]:
    """What the paper concludes and whether that comes out alike, with tested causes."""
    levels = [level_name(level) for level in _options(run.trainings[0].recipe).levels]
    kinds = {TITLES[STUDY_2]: [STUDY_2], TITLES[STUDY_3]: [STUDY_3], TITLES["study1"]: levels}
    tests = {
        TITLES[name]: OnOthers(_missed(results, "initial"), _missed(results, "final"))
        for name, results in found.items()
    }
    evidence = found_evidence(run.trainings, run.output, kinds, tests)
    causes = {title: each.cause for title, each in evidence.items()}
    return [*causes_section(evidence, "1 - Dice"), *claims_section(claims(found), causes)]


def by_subject(pairs: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A value (n,) for each subject: their mean is that over all pairs, their standard error that mean's.

    Every pair is of two subjects, and every subject is in many pairs, fixed in some and moving in others; so
    these are the jackknife's pseudo-values, each from the mean without all pairs of one subject (Efron and
    Stein 1981, Ann Statist 9:586).

    Args:
        pairs: level, fixed and moving subject of each pair, with hyphens between; every two subjects in as
            many pairs as any other two.
        values: (pairs,).
    """
    subjects = np.array([pair.split("-")[1:] for pair in pairs])
    everyone = np.unique(subjects)
    without = np.array([values[(subjects != one).all(1)].mean() for one in everyone])
    return len(everyone) * values.mean() - (len(everyone) - 1) * without


def _missed(results: Results, stage: str) -> np.ndarray:
    return np.array([1 - result.overlaps[stage].dice for result in results.values()])


def claims(found: Mapping[str, Results]) -> list[Claim]:
    """What the paper concludes."""

    def claim(words: str, first: str, second: str, value: Any, unit: str = "") -> Claim:
        """First less second on the pairs of both, subject by subject."""
        if first not in found or second not in found:
            return Claim(words, None)
        common = [pair for pair in found[first] if pair in found[second]]
        change = np.array([value(found[first][pair]) - value(found[second][pair]) for pair in common])
        return Claim(words, by_subject(common, change), unit, (TITLES[first], TITLES[second]))

    def missed(result: PairResult) -> float:
        return 1 - result.overlaps["final"].dice

    def distance(result: PairResult) -> float:
        return result.overlaps["final"].assd_mm

    def folds(result: PairResult) -> float:
        return result.folded_voxels

    return [
        claim("Study II is above study I (1 - Dice)", STUDY_2, "study1", missed),
        claim("ACSGRegNet is above AVoxelMorph (1 - Dice)", STUDY_3, STUDY_2, missed),
        claim("ACSGRegNet is nearer than AVoxelMorph (ASSD)", STUDY_3, STUDY_2, distance, "mm"),
        claim(
            "ACSGRegNet folds in fewer voxels (it integrates a velocity here, so by construction)",
            STUDY_3,
            STUDY_2,
            folds,
            "voxels",
        ),
    ]


PAPER = Paper(
    name=NAME,
    title="Gao and Zheng 2022: ACSGRegNet, registration of lumbar vertebrae in CT",
    most_folds=1,
    trainings=trainings,
    patients=patients,
    methods=methods,
    publish=publish,
)
