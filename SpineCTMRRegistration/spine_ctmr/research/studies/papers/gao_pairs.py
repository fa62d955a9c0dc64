"""Measures of registered pairs of vertebrae, as in tables 1 to 4 of Gao and Zheng 2022."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from ....evaluation.markdown import header, line
from ....imaging.vertebra_names import vertebra_name
from ....quality.metrics import dice, precision, recall
from ....quality.surface_distance import surface_distances
from ...training.outcome import Outcome
from ..kernel import Values

STAGES = ("initial", "affine", "final")


@dataclass(frozen=True)
class PairOverlap:
    """How well a moved vertebra covers the fixed one.

    Attributes:
        dice: in [0, 1], as the next two.
        precision: share of the moved vertebra that lies in the fixed one.
        recall: share of the fixed vertebra that the moved one covers.
        assd_mm: average symmetric surface distance.
    """

    dice: float
    precision: float
    recall: float
    assd_mm: float


@dataclass(frozen=True)
class PairResult:
    """One registered pair.

    Attributes:
        level: VerSe number of both vertebrae.
        overlaps: of every stage in `STAGES`.
        folded_voxels: voxels where the determinant of the Jacobian is not positive.
        folded_percent: their share of the image.
    """

    level: int
    overlaps: Mapping[str, PairOverlap]
    folded_voxels: int
    folded_percent: float


def overlap(fixed: NDArray[np.bool_], moved: NDArray[np.bool_], spacing_mm: float) -> PairOverlap:
    """Measures of two masks (z, y, x) on an isotropic grid."""
    distance = surface_distances(fixed, moved, (spacing_mm,) * 3).mean_mm
    return PairOverlap(dice(fixed, moved), precision(moved, fixed), recall(moved, fixed), distance)


def pair_result(outcome: Outcome) -> PairResult:
    """Measures of a batch of one pair with labels of both images; labels are moved by the nearest voxel."""
    level = int(outcome.batch.labels.max())
    fixed = outcome.needed("fixed_labels")[0, 0].numpy() == level
    moved = {
        "initial": outcome.inner(outcome.batch.labels),
        "affine": outcome.affine_stage.warped_labels,
        "final": outcome.warped_labels,
    }
    overlaps = {
        stage: overlap(fixed, labels[0, 0].numpy() == level, outcome.spacing_mm)
        for stage, labels in moved.items()
    }
    folded = torch.linalg.det(outcome.jacobian) <= 0
    return PairResult(level, overlaps, int(folded.sum()), 100 * float(folded.double().mean()))


def values_of(result: PairResult) -> Values:
    """A result as a study keeps it; see `result_of`."""
    return asdict(result)


def result_of(values: Values) -> PairResult:
    """What `values_of` kept."""
    overlaps = {stage: PairOverlap(**overlap) for stage, overlap in values["overlaps"].items()}
    return PairResult(values["level"], overlaps, values["folded_voxels"], values["folded_percent"])


def overlap_table(results: Sequence[PairResult]) -> str:
    """Markdown of tables 1 to 3: means per level and over all pairs, before and after every stage."""
    names = {"dice": "Dice", "precision": "PREC", "recall": "REC", "assd_mm": "ASSD (mm)"}
    lines = header(["", *(f"{names[f.name]} {stage}" for f in fields(PairOverlap) for stage in STAGES)])
    for name, group in _groups(results):
        means = {s: np.mean([astuple(r.overlaps[s]) for r in group], 0) for s in STAGES}
        lines.append(line([name, *(f"{means[s][k]:.3f}" for k in range(len(names)) for s in STAGES)]))
    return "\n".join(lines) + "\n"


def folding_table(results: Sequence[PairResult]) -> str:
    """Markdown of table 4: folded voxels and their share, mean and standard deviation."""
    lines = header(["", "folded voxels, mean", "SD", "folded %, mean", "SD"])
    for name, group in _groups(results):
        values = np.array([(r.folded_voxels, r.folded_percent) for r in group])
        mean, spread = values.mean(0), values.std(0)
        lines.append(line([name, f"{mean[0]:.0f}", f"{spread[0]:.0f}", f"{mean[1]:.2f}", f"{spread[1]:.2f}"]))
    return "\n".join(lines) + "\n"


def _groups(results: Sequence[PairResult]) -> Iterator[tuple[str, Sequence[PairResult]]]:
    for level in sorted({r.level for r in results}):
        yield vertebra_name(level), [r for r in results if r.level == level]
    yield "Average", results
