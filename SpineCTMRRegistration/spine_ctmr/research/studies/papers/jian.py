"""Jian et al. 2022: baseline and rigidity penalties, Table 1, figures 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from ....evaluation.markdown import header, line
from ...training.recipe import Recipe
from ...training.recipe_file import read_toml
from ..kernel import Method, write_page
from ..networks.contours import draw_contours
from ..networks.figures import draw_boxes
from ..networks.floor import rigid_dsc_floor
from ..networks.held_out import HeldOutPatient, read_patient
from ..networks.measures import OVERALL
from ..networks.methods import SLOW_PATIENTS, by_bundled, by_staring
from ..networks.results import Overall, rows_of
from ..networks.similarity import truth_method
from ..networks.trainings import BANK, Training, budgeted, shown_as
from ..networks.verdicts import Claim, mean_and_spread
from ..networks.whole import by_registration
from .jian_weights import trials, weights_section
from .pages import (
    START,
    Registers,
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

NAME = "jian"
TAUGHT_BUDGET, BUDGET, PUBLISHED = (
    Path(__file__).with_name(f"jian_{part}.toml") for part in ("taught", "brief", "table1")
)
TAUGHT, BASELINE, NMI = "synthetic_truth", "jian_baseline", "jian_nmi"
SHOWN = shown_as(budgeted(BASELINE, BUDGET))
WITHOUT_PENALTY = {TAUGHT: "known displacement", BASELINE: "baseline", NMI: "baseline with NMI"}
PENALISED = {
    "jian_pc": "pc",
    "jian_oc": "oc",
    "jian_rigid_dice": "rigid dice",
    "jian_rigid_field": "rigid field",
    "jian_pc_oc": "pc + oc",
    "jian_pc_rigid_dice": "pc + rigid dice",
    "jian_pc_rigid_field": "pc + rigid field",
    "jian_volume": "volume",
}
SINGLE = ("jian_pc", "jian_oc", "jian_rigid_dice", "jian_rigid_field")
SIMILARITIES = {"MIND": BASELINE, "NMI": NMI}
COLUMNS = (
    *("dice", "rigid_dsc", "rigid_deviation_mm", "volume_percent", "properness", "folds"),
    *("sd_log_j", "sd_log_j_learn2reg", "cpu_s"),
)
THEIR_NAMES = {"dice": "dsc", "cpu_s": "seconds"}
"""Where the published table's columns are called otherwise."""
FLOOR_PATIENTS = 8


def trainings(steps: int | None, folds: int) -> list[Training]:
    """The known displacement first, whose weights the others begin with; penalties join the baseline."""
    free = [
        Training(_free(name, steps), title, begins_with=None if name == TAUGHT else TAUGHT)
        for name, title in WITHOUT_PENALTY.items()
    ]
    penalised = [
        Training(budgeted(name, BUDGET, steps), title, milestone_of=BASELINE)
        for name, title in PENALISED.items()
    ]
    return [*free, *penalised, *trials(_single(penalised))]


def _free(name: str, steps: int | None) -> Recipe:
    """Without a penalty; the row with NMI learns half as long as the baseline."""
    recipe = budgeted(name, TAUGHT_BUDGET if name == TAUGHT else BUDGET, steps)
    return replace(recipe, steps=-(-recipe.steps // 2)) if name == NMI else recipe


def _single(trainings: Sequence[Training]) -> list[Training]:
    """Those whose weight is compared with others."""
    return [training for training in trainings if training.recipe.name in SINGLE]


def _tested(trainings: Sequence[Training]) -> list[Training]:
    """Those that are measured on test patients: all but the trials of weights."""
    return [t for t in trainings if t.recipe.name in WITHOUT_PENALTY or t.recipe.name in PENALISED]


def others() -> Registers:
    """What the networks are compared with."""
    return {
        "staring": ("Staring (elastix)", by_staring),
        "bundled": ("bundled matching_2mm, alone", by_bundled()),
        "registration": ("this program's registration, fast", by_registration),
    }


def methods(trainings: Sequence[Training], output: Path) -> list[Method[HeldOutPatient]]:
    """See `Paper`."""
    tested = _tested(trainings)
    recipes = [training.recipe for training in tested if training.recipe.name != TAUGHT]
    return [*all_methods(tested, output, others()), truth_method(recipes)]


def publish(run: PaperRun) -> Path:
    """See `Paper`."""
    weights = weights_section(_single(run.trainings), SIMILARITIES, run.output)
    run, compared = replace(run, trainings=_tested(run.trainings)), others()
    kinds = {training.title: [training.recipe.name] for training in run.trainings}
    found = results(run, kinds, compared)
    rows = {result.title: result.overall for result in found.values()}
    draw_boxes(
        run.output / "jian-boxes.png", rows, ("dice", "rigid_dsc", "rigid_deviation_mm", "volume_percent")
    )
    shown = {
        "rigid start": START,
        "Staring": "staring",
        "baseline": BASELINE,
        "pc + rigid dice": "jian_pc_rigid_dice",
    }
    shown["this program"] = "registration"
    patient = shown_patient(run, SHOWN, 0.5)
    draw_contours(run.output / "jian-patient.png", patient, displacements(run, patient, shown, compared))
    published = read_toml(PUBLISHED)
    return write_page(
        run.output / f"{NAME}.md",
        [
            f"# {PAPER.title}",
            "",
            *opening(run, NAME, SHOWN, found, taught=WITHOUT_PENALTY[TAUGHT]),
            *absent(run, compared),
            "## Table 1",
            "",
            f"Mean (SD) over the test patients; in italics {published['source']}. Staring's method, which "
            f"takes a minute for each, registers the first {SLOW_PATIENTS} of them alone. The row "
            "rigid field has the norm of eq. 4 unsquared, as in the authors' code, to which their weight "
            "belongs.",
            "",
            *table(rows, published),
            "",
            agreement_text(rows, published),
            "",
            *floor_text(run),
            "![](jian-boxes.png)",
            "",
            "A test patient with a median error at the start:",
            "",
            "![](jian-patient.png)",
            "",
            *weights,
            *conclusions(run, kinds, found, START, claims(rows)),
            *closing(run, NAME, [TAUGHT_BUDGET, BUDGET]),
        ],
    )


def table(rows: Mapping[str, Overall], published: Mapping[str, Any]) -> list[str]:
    """Our rows with the paper's under them."""
    titles = {"initial": "rigid start", "staring": "Staring (elastix)", **WITHOUT_PENALTY, **PENALISED}
    names = {title: name for name, title in titles.items()}
    lines = header(["", *(OVERALL[key] for key in COLUMNS)])
    for title, overall in rows.items():
        cells = []
        for key in COLUMNS:
            theirs = _published(published, names.get(title, ""), key)
            beside = (
                "" if not theirs else f"<br>*{theirs[0]:g}{f' ({theirs[1]:g})' if len(theirs) > 1 else ''}*"
            )
            cells.append(mean_and_spread(overall[key]) + beside)
        lines.append(line([title, *cells]))
    return lines


def agreement_text(rows: Mapping[str, Overall], published: Mapping[str, Any]) -> str:
    """How far the order of the networks agrees with the paper's."""
    agreement = "; ".join(_agreement(rows, published)) or "not known yet"
    return f"Spearman's rank correlation of our means with the paper's over the eight networks: {agreement}."


def claims(rows: Mapping[str, Overall]) -> list[Claim]:
    """What the paper concludes of its penalties."""

    def claim(words: str, first: str, second: str, key: str, sign: int = 1, unit: str = "") -> Claim:
        """First less second, so signed that the paper's direction is below zero."""
        if first not in rows or second not in rows:
            return Claim(words, None)
        change = sign * (rows[first][key] - rows[second][key])
        start = rows["rigid start"]["bone_mm"] if "rigid start" in rows else None
        return Claim(words, change, unit, (first, second), start)

    staring = "Staring (elastix)"
    volume = "volume_percent"
    rigid = ("oc", "rigid dice", "rigid field")
    return [
        claim("The baseline overlaps better than Staring's method", staring, "baseline", "dice"),
        claim("The properness condition keeps volumes", "pc", "baseline", volume, unit="%"),
        *(
            claim(f"{t} keeps bone more rigid than the baseline", t, "baseline", "rigid_dsc", -1)
            for t in rigid
        ),
        *(
            claim(f"Rigid dice keeps bone more rigid than {t}", "rigid dice", t, "rigid_dsc", -1)
            for t in rigid
            if t != "rigid dice"
        ),
        *(
            claim(f"pc + {t} changes volumes less than {t} alone", f"pc + {t}", t, volume, unit="%")
            for t in rigid
        ),
        claim(
            "The direct volume loss has more PC than the properness condition", "pc", "volume", "properness"
        ),
        claim("The orthonormal condition lowers PC, too", "oc", "baseline", "properness"),
    ]


def floor_text(run: PaperRun) -> list[str]:
    """What a perfect rigid motion scores on these grids."""
    patients = [int(row.patient.rpartition("-")[2]) for row in rows_of(run.rows, START)[:FLOOR_PATIENTS]]
    labels = [read_patient(run.output / BANK, number, SHOWN).batch.labels for number in patients]
    floor = rigid_dsc_floor(labels, 2.0)
    if not len(floor.nearest):
        return []
    return [
        f"A perfect rigid motion does not score 1: over {len(floor.nearest)} whole vertebrae of the first "
        f"{FLOOR_PATIENTS} patients, moved by random rigid motions, the rigid DSC is "
        f"{mean_and_spread(floor.nearest)} where moved labels keep the nearest voxel, and "
        f"{mean_and_spread(floor.twice)} where the labels had been resampled once before by the rigid "
        "start. The paper's 0.88 of its initial images may be such a floor. The networks here are measured "
        "on labels that were never resampled, with linear interpolation, for which the floor is 1; the RMS "
        "distance from the best rigid motion has no floor.",
        "",
    ]


def _agreement(rows: Mapping[str, Overall], published: Mapping[str, Any]) -> list[str]:
    networks = {BASELINE: "baseline", **{n: t for n, t in PENALISED.items() if n != "jian_volume"}}
    found = []
    for key in COLUMNS:
        theirs = [_published(published, name, key) for name in networks]
        if all(theirs) and all(title in rows for title in networks.values()):
            ours = [float(np.nanmean(rows[title][key])) for title in networks.values()]
            if len(set(ours)) > 1:
                rank = float(spearmanr(ours, [values[0] for values in theirs]).statistic)
                found.append(f"{OVERALL[key]} {rank:+.2f}")
    return found


def _published(published: Mapping[str, Any], row: str, key: str) -> list[float]:
    """Mean and SD of the paper, or what there is of them."""
    columns, table = published["columns"], published["rows"]
    column = THEIR_NAMES.get(key, key)
    return list(table[row][columns.index(column)]) if row in table and column in columns else []


PAPER = Paper(
    name=NAME,
    title="Jian et al. 2022: weakly-supervised biomechanically-constrained CT/MRI registration of the spine",
    most_folds=1,
    trainings=trainings,
    patients=patients_shown(SHOWN),
    methods=methods,
    publish=publish,
)
