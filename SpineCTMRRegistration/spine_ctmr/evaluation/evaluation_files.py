"""An evaluation as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..process.whole_file import write_whole_text
from ..quality.discs import Disc
from ..quality.quality_files import plain
from ..results.names import EVALUATION
from .markdown import header, line, number, spread
from .measure import METRICS, Evaluation

TITLES = {
    "dice_before": "DSC before",
    "dice": "DSC",
    "mean_surface_mm": "mean surface distance (mm)",
    "hd95_mm": "HD95 (mm)",
    "hd99_mm": "HD99 (mm)",
    "landmarks": "landmarks",
    "tre_before_mm": "TRE before (mm)",
    "tre_mm": "TRE (mm)",
    "rigid_dice": "rigid DSC",
    "volume_change_percent": "volume change (%)",
    "determinant_mean": "mean det J",
    "determinant_sd": "SD det J",
    "folding_percent": "folding (%)",
    "inverse_consistency_mm": "inverse consistency (mm)",
    "mind_before": "MIND-SSC difference before",
    "mind_after": "MIND-SSC difference",
    "nmi_before": "NMI before",
    "nmi_after": "NMI",
}
OVERALL_TITLES = {
    **TITLES,
    "folding_voxels": "folding voxels",
    "determinant_min": "smallest det J",
    "determinant_max": "largest det J",
    "sd_log_jacobian": "SDlogJ",
    "sd_log_jacobian_learn2reg": "SDlogJ as Learn2Reg computes it, std(log(det J + 3))",
    "inverse_consistency_p99_mm": "inverse consistency, 99th percentile (mm)",
}


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write `evaluation.json`, `.csv` and `.md` into a folder, each complete or not at all."""
    content = {
        "vertebrae": [asdict(row) for row in evaluation.vertebrae],
        "overall": evaluation.overall,
        "summary": {metric: asdict(values) for metric, values in evaluation.summary.items()},
        "landmark_errors": evaluation.landmark_errors,
        "discs": [asdict(disc) for disc in evaluation.discs],
        "notes": evaluation.notes,
    }
    text = json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for suffix, data in (("json", text), ("csv", as_csv(evaluation)), ("md", as_markdown(evaluation))):
        write_whole_text(folder / f"{EVALUATION}.{suffix}", data)


def as_csv(evaluation: Evaluation) -> str:
    """One line per vertebra; what was not measured stays empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = ("name", "number", "flag", *METRICS)
    writer.writerow(columns)
    for row in evaluation.vertebrae:
        values = plain(asdict(row))
        writer.writerow(["" if values[key] is None else values[key] for key in columns])
    return buffer.getvalue()


def as_markdown(evaluation: Evaluation) -> str:
    """Tables for people; metrics that were not measured are left out."""
    shown = [m for m in TITLES if any(_is_measured(m, getattr(row, m)) for row in evaluation.vertebrae)]
    names = [row.name for row in evaluation.vertebrae]
    lines = ["# Evaluation", "", *header(["", *names, "median (IQR)", "mean (SD)"])]
    lines.append(line(["flag", *(row.flag for row in evaluation.vertebrae), "", ""]))
    for metric in shown:
        values = [number(getattr(row, metric)) for row in evaluation.vertebrae]
        summary = evaluation.summary.get(metric)
        lines.append(line([TITLES[metric], *values, *(spread(summary) if summary else ("", ""))]))
    lines += [f"\n{note}" for note in evaluation.notes]
    lines += ["", *header(["whole transform", ""])]
    overall = {key: value for key, value in evaluation.overall.items() if _is_measured(key, value)}
    lines += [line([OVERALL_TITLES[key], number(value)]) for key, value in overall.items()]
    if evaluation.landmark_errors:
        lines += ["", *header(["landmark", "TRE before (mm)", "TRE (mm)"])]
        errors = evaluation.landmark_errors.items()
        lines += [line([name, number(before), number(after)]) for name, (before, after) in errors]
    return "\n".join([*lines, *_disc_table(evaluation.discs)]) + "\n"


def _disc_table(discs: Sequence[Disc]) -> list[str]:
    """What the discs say of the registration, without any reference."""
    if not discs:
        return []
    titles = ["disc: MR's against CT's, to cranial", "before (mm)", "after (mm)", "contrast"]
    lines = ["", *header(titles)]
    for disc in discs:
        after = f"{disc.offset_mm:+.1f} ± {disc.error_mm:.1f}"
        told = (
            [f"{disc.offset_before_mm:+.1f}", after]
            if not disc.not_told
            else ["–", f"not told: {disc.not_told}"]
        )
        lines.append(line([disc.name, *told, number(disc.contrast)]))
    return lines


def _is_measured(metric: str, value: float) -> bool:
    return math.isfinite(value) and not (metric == "landmarks" and value == 0)
