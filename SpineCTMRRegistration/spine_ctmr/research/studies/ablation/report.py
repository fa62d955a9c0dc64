"""The ablation's table beside the paper's, and its picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ....quality.metrics import statistics
from ...training.recipe import Recipe
from ...training.recipe_file import read_toml
from ...training.run_log import read_log
from .figures import BOXES, LEARNING, PATIENT, draw_boxes, draw_learning
from .rows import BASELINE, COLUMNS, LABELS, UNTRAINED, Rows

PUBLISHED = Path(__file__).with_name("jian2022_table1.toml")


def write_report(output: Path, tables: Sequence[str], recipes: Sequence[Recipe], budget: Path) -> Path:
    """Write ablation.csv, ablation.png and ablation.md; return the path of the last.

    Args:
        output: with `<table>.csv` of every table and the runs of the recipes.
        tables: their names, in order.
        recipes: that were trained.
        budget: the file that shortened them.
    """
    rows = _read(output, tables)
    published = read_toml(PUBLISHED)
    draw_boxes(rows, output / BOXES)
    draw_learning(output, rows, recipes, output / LEARNING)
    lines = [
        "# The ablation of Jian et al. 2022 on synthetic patients",
        "",
        _conditions(output, recipes, len(next(iter(rows.values()))["dsc"])),
        "",
        *_learned(rows),
        f"![]({LEARNING})",
        "",
        f"Mean (SD) over the test patients; in italics {published['source']}.",
        "",
        f"| | {' | '.join(COLUMNS.values())} |",
        f"|{'---|' * (len(COLUMNS) + 1)}",
        *(_line(row, values, published) for row, values in rows.items()),
        "",
        "Spearman's rank correlation of our means with the paper's over the eight networks: "
        + ("; ".join(_agreement(rows, published)) or "not known yet")
        + ".",
        "",
        f"![]({BOXES})",
        "",
        "One test patient:",
        "",
        f"![]({PATIENT})",
        "",
        "The budget, which replaces these keys of every recipe:",
        "",
        "```toml",
        budget.read_text(encoding="utf-8").rstrip(),
        "```",
    ]
    path = output / "ablation.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _read(output: Path, tables: Sequence[str]) -> Rows:
    """All tables, also written as one."""
    records = []
    for name in tables:
        with (output / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            records += list(csv.DictReader(stream))
    with (output / "ablation.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    names = [name for name in LABELS if any(record["row"] == name for record in records)]
    return {
        name: {c: np.array([float(r[c]) for r in records if r["row"] == name]) for c in COLUMNS}
        for name in names
    }


def _conditions(output: Path, recipes: Sequence[Recipe], patients: int) -> str:
    first = recipes[0]
    seconds = sum(
        float(row["seconds"]) for recipe in recipes for row in read_log(output / recipe.name / "steps.csv")
    )
    return (
        f"{patients} test patients and {first.data.pairs} training patients, all synthetic, at "
        f"{first.spacing_mm:g} mm; {first.steps} steps for each network, of which the last "
        f"{first.steps - first.first_rigidity_step} with rigidity terms, begun from the baseline's; "
        f"{seconds / 60:.0f} minutes of training in all. The paper has 167 real patients at 1 mm and trains "
        "for 500 epochs, so the figures differ; what can be compared is the order of the rows. Time is that "
        "of this machine on these small images."
    )


def _learned(rows: Rows) -> list[str]:
    """Whether the baseline has learned to align, from the paired change of its error in bone."""
    if not {"initial", UNTRAINED, BASELINE} <= set(rows):
        return []
    start, start_error = _gain(rows, "initial")
    training, training_error = _gain(rows, UNTRAINED)
    sentence = (
        f"The baseline lowers the error in bone by {start:.2f} mm (standard error {start_error:.2f}) from "
        f"the start, and by {training:.2f} mm ({training_error:.2f}) from the network before training"
    )
    if start > 2 * start_error and training > 2 * training_error:
        return [f"{sentence}.", ""]
    return [
        f"{sentence}: within this budget the networks have **not learned to align**. The table then tells "
        "only what each penalty does to the motion of bone, not how well a trained network registers.",
        "",
    ]


def _gain(rows: Rows, before: str) -> tuple[float, float]:
    """Mean and standard error in mm by which the baseline's error in bone is below another row's."""
    figures = statistics(rows[before]["bone_mm"] - rows[BASELINE]["bone_mm"])
    return figures.mean, figures.sd / float(np.sqrt(figures.count))


def _line(row: str, values: Mapping[str, NDArray[np.float64]], published: Mapping[str, object]) -> str:
    cells = []
    for column in COLUMNS:
        figures = statistics(values[column])
        ours = "–" if figures.count == 0 else f"{_number(figures.mean)} ({_number(figures.sd)})"
        theirs = _published(published, row, column)
        text = "" if not theirs else f"<br>*{theirs[0]:g}{f' ({theirs[1]:g})' if len(theirs) > 1 else ''}*"
        cells.append("–" if row == "initial" and column == "seconds" else ours + text)
    return f"| {LABELS[row]} | {' | '.join(cells)} |"


def _agreement(rows: Rows, published: Mapping[str, object]) -> list[str]:
    networks = [row for row in rows if row.startswith("jian_")]
    found = []
    for column, label in COLUMNS.items():
        theirs = [_published(published, row, column) for row in networks]
        if len(networks) == 8 and all(theirs):
            ours = [float(np.nanmean(rows[row][column])) for row in networks]
            if len(set(ours)) > 1:
                rank = float(spearmanr(ours, [values[0] for values in theirs]).statistic)
                found.append(f"{label} {rank:+.2f}")
    return found


def _published(published: Mapping[str, object], row: str, column: str) -> list[float]:
    """Mean and SD of the paper, or what there is of them."""
    columns, table = published["columns"], published["rows"]
    assert isinstance(columns, list)
    assert isinstance(table, dict)
    return table[row][columns.index(column)] if row in table and column in columns else []


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
