"""Cao et al. 2018: similarity within both modalities or one, Table 1 and figure 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ....evaluation.cohort import Cohort
from ....evaluation.cohort_tables import cao_table
from ....evaluation.evaluation_files import TITLES as METRICS
from ....evaluation.markdown import header, line
from ...training.recipe_file import read_toml
from ..kernel import Method, write_page
from ..networks.contours import draw_contours
from ..networks.held_out import HeldOutPatient
from ..networks.methods import by_affine, by_syn
from ..networks.results import cohort_change, start_errors
from ..networks.similarity import truth_method
from ..networks.trainings import Training, budgeted, shown_as
from ..networks.verdicts import Claim
from .pages import (
    START,
    Registers,
    absent,
    all_methods,
    closing,
    cohort_of_all,
    conclusions,
    displacements,
    opening,
    overall_of_all,
    patients_shown,
    results,
    shown_patient,
)
from .paper import Paper, PaperRun

NAME = "cao"
BUDGET, PUBLISHED = (Path(__file__).with_name(f"{name}.toml") for name in ("cao_brief", "published"))
SHOWN = shown_as(budgeted("cao_dual", BUDGET))
KINDS = {"cao_ct_only": "CT only", "cao_mr_only": "MR only", "cao_dual": "Dual"}
LEVELS = {"L5": 24, "L4": 23, "L3": 22}
SPLITS = 5
WORSE_MM = 1.0
AFFINE = "affine_mi"
"""With what the networks begin."""


def split_name(name: str, split: int) -> str:
    """Of a training."""
    return f"{name}_split{split}"


def trainings(steps: int | None, folds: int) -> list[Training]:
    """Three networks from random weights of their own for every division of the patients."""
    found = []
    for split in range(folds):
        for k, (name, title) in enumerate(KINDS.items()):
            recipe = budgeted(name, BUDGET, steps)
            data = replace(recipe.data, fold=split)
            seed = len(KINDS) * split + k
            recipe = replace(recipe, name=split_name(name, split), seed=seed, data=data)
            found.append(Training(recipe, f"{title}, division {split + 1}"))
    return found


def others() -> Registers:
    """What the paper compares with; its affine registration is FLIRT's."""
    return {AFFINE: ("Affine (MI)", by_affine), "syn_mi": ("SyN (MI)", by_syn)}


def methods(trainings: Sequence[Training], output: Path) -> list[Method[HeldOutPatient]]:
    """See `Paper`."""
    return [*all_methods(trainings, output, others()), truth_method([t.recipe for t in trainings])]


def publish(run: PaperRun) -> Path:
    """See `Paper`."""
    names = {title: _names(run, name) for name, title in KINDS.items()}
    found = results(run, names, others())
    cohorts = _cohorts(run, names)
    patient = shown_patient(run, SHOWN, 0.75)
    shown = {"rigid start": START, "affine (MI)": "affine_mi", "SyN (MI)": "syn_mi"}
    shown["Dual (proposed)"] = split_name("cao_dual", 0)
    draw_contours(run.output / "cao-patient.png", patient, displacements(run, patient, shown, others()))
    return write_page(
        run.output / f"{NAME}.md",
        [
            f"# {PAPER.title}",
            "",
            *opening(run, NAME, SHOWN, found, AFFINE),
            *absent(run, others()),
            "## Table 1",
            "",
            "Lumbar vertebrae L3 to L5 of the synthetic patients, mean ± SD. Every network registers what "
            "an affine registration by mutual information leaves, as in the paper; values are means over "
            f"{len(names['Dual'])} of the paper's five divisions of the patients. Our networks see MR as "
            "the fixed image, the paper's CT. The held-out errors without motion, above, are what the "
            "affine registration left.",
            "",
            *affine_text(run),
            *cao_table(cohorts).splitlines(),
            "",
            *_published(),
            "Figure 4:",
            "",
            "![](cao-patient.png)",
            "",
            *conclusions(run, names, found, AFFINE, claims(cohorts)),
            *closing(run, NAME, [BUDGET]),
        ],
    )


def _names(run: PaperRun, kind: str) -> list[str]:
    wanted = {split_name(kind, split) for split in range(SPLITS)}
    return [t.recipe.name for t in run.trainings if t.recipe.name in wanted]


def _cohorts(run: PaperRun, names: dict[str, list[str]]) -> dict[str, Cohort]:
    columns = {"rigid start": [START], "Affine (MI)": ["affine_mi"], "SyN (MI)": ["syn_mi"], **names}
    found = {title: cohort_of_all(run, kind, list(LEVELS.values())) for title, kind in columns.items()}
    return {title: cohort for title, cohort in found.items() if cohort is not None}


def affine_text(run: PaperRun) -> list[str]:
    """What the affine registration makes of the rigid start; the networks can mend only what it leaves."""
    start, affine = overall_of_all(run, [START]), overall_of_all(run, [AFFINE])
    if start is None or affine is None:
        return []
    change = affine["bone_mm"] - start["bone_mm"]
    worse, far = int((change > 0).sum()), int((change > WORSE_MM).sum())
    return [
        "**The affine registration is a cause of its own.** It begins where the centres match, and has more "
        f"error in bone than that in {worse} of {len(change)} patients, by more than {WORSE_MM:g} mm in "
        f"{far}, by {change.max():.1f} mm at most: mutual information of the whole field prefers maps that "
        "shrink or shear a bent spine. On 13 ideal pairs neither a rigid stage before it, other pyramids nor "
        "a mask around the bones mended that. Networks, SyN and affine registration are compared on it as "
        "in the paper, so all verdicts here are about far starts.",
        "",
    ]


def _published() -> list[str]:
    paper = read_toml(PUBLISHED)["cao"]
    lines = [f"{paper['source']}, of other organs:", "", *header(["metric", "organ", *paper["methods"]])]
    for metric in ("dice", "mean_surface_mm"):
        lines += [line([METRICS[metric], organ, *cells]) for organ, cells in paper[metric].items()]
    return [*lines, ""]


def claims(cohorts: dict[str, Cohort]) -> list[Claim]:
    """What the paper concludes, in overlap."""

    def above(better: str, worse: str) -> Claim:
        words = f"{better} overlaps better than {worse}"
        if better not in cohorts or worse not in cohorts:
            return Claim(words, None)
        change = cohort_change(cohorts[worse], cohorts[better], "dice")
        return Claim(words, change, about=(better, worse), start=start_errors(cohorts["rigid start"]))

    return [
        above("SyN (MI)", "Affine (MI)"),
        *(above(title, "SyN (MI)") for title in KINDS.values()),
        *(above(title, "Affine (MI)") for title in KINDS.values()),
        above("Dual", "CT only"),
        above("Dual", "MR only"),
    ]


PAPER = Paper(
    name=NAME,
    title="Cao et al. 2018: inter-modality registration supervised by intra-modality similarity",
    most_folds=SPLITS,
    trainings=trainings,
    patients=patients_shown(SHOWN),
    methods=methods,
    publish=publish,
)
