"""The rule as the page prints it, followed by hand, gives the counts that the page prints."""

from __future__ import annotations

import csv
import math
import re
from itertools import groupby
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from spine_ctmr.quality.flags import unjudged
from spine_ctmr.research.studies.flags.observations import INDICATORS, Observation
from spine_ctmr.research.studies.flags.run import publish_observations, read_observations, write_observations

PUBLISHED = Path(__file__).parents[3] / "docs" / "measured"
FLAGS = ("good", "check", "do not use")
CLASSES = {
    "below 0.5 mm": (0.0, 0.5),
    "0.5 to 2 mm": (0.5, 2.0),
    "above 2 mm": (2.0, 1e9),
    "another patient": (1e9, math.inf),
}
Row = dict[str, str]


def _table(text: str, first_cell: str) -> list[list[str]]:
    lines = text[text.index(f"| {first_cell} |") :].split("\n\n")[0].strip().split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, pattern
    return float(found[1])


def _value(row: Row, name: str) -> float:
    return float(row[name])


class PrintedRule:
    """What the page says, and nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text[text.index("## The rules") :]
        self.offset = _number(r"doubt = (-?[\d.]+) \+", self.text)
        self.good = _number(r"Good below (-?[\d.]+)", self.text)
        self.refuse = _number(r'"do not use" above (-?[\d.]+)', self.text)
        self.indicators = [(c[0], *map(float, c[1:])) for c in _table(self.text, "indicator")]
        self.hard = [(*c[0].split(), c[1]) for c in _table(self.text, "hard rule")]

    def alone(self, row: Row) -> str:
        doubt = self.offset
        for name, typical, scale, limit, weight in self.indicators:
            value = _value(row, name)
            if not math.isfinite(value):
                continue
            value = min(value, limit) if scale > 0 else max(value, limit)
            doubt += weight * max((value - typical) / scale, 0)
        flags = ["do not use" if doubt > self.refuse else "check" if doubt >= self.good else "good"]
        for name, sign, bound, flag in self.hard:
            value = _value(row, name)
            if value < float(bound) if sign == "<" else value > float(bound):
                flags.append(flag)
        return max(flags, key=FLAGS.index)

    def together(self, rows: list[Row]) -> list[str]:
        flags = [self.alone(row) for row in rows]
        if any(_value(r, "level_ratio") < _number(r"level_ratio < ([\d.]+)", self.text) for r in rows):
            return ["do not use"] * len(rows)
        share = _number(r"visible_share of ([\d.]+) and more", self.text)
        seen = [r for r in rows if not _value(r, "visible_share") < share] or rows
        medians = {
            name: median([v for r in seen if math.isfinite(v := _value(r, name))] or [math.nan])
            for name in ("stretch_mm", "neighbour_disagreement_mm", "match_ratio")
        }
        mismatch = math.sqrt(medians["stretch_mm"] * medians["neighbour_disagreement_mm"])
        if math.isnan(medians["neighbour_disagreement_mm"]):
            mismatch = medians["stretch_mm"]
        if mismatch > _number(r"if there are none\) is > ([\d.]+)", self.text) or medians[
            "match_ratio"
        ] > _number(r"median match_ratio > ([\d.]+)", self.text):
            return ["do not use"] * len(rows)
        ratio = min(_value(r, "side_ratio") for r in rows)
        if ratio < _number(r"side_ratio < ([\d.]+), left and right seem", self.text):
            return ["do not use"] * len(rows)
        if ratio < _number(r"side_ratio < ([\d.]+), left and right are not told", self.text):
            flags = ["check" if flag == "good" else flag for flag in flags]
        of_seen = [flag for row, flag in zip(rows, flags, strict=True) if row in seen]
        if 2 * sum(flag != "good" for flag in of_seen) > len(of_seen):
            return ["check" if flag == "good" else flag for flag in flags]
        return flags


def _title(row: Row) -> str:
    """Of the part of the page that counts a result."""
    if row["region"] == "real anatomy":
        return "Real anatomy, of one CT"
    return "Held-out patients" if int(row["patient"]) // 3 % 2 == 1 else "Patients that chose"


def _printed(text: str, title: str) -> dict[str, list[int]]:
    table = _table(text[text.index(f"## {title}") :], "error of the pose over the bone")
    return {cells[0]: [int(cell.split()[0]) for cell in cells[2:]] for cells in table}


def _counted(rows: list[Row], flags: list[str]) -> dict[str, list[int]]:
    counts = {}
    for name, (low, high) in CLASSES.items():
        mine = [f for r, f in zip(rows, flags, strict=True) if low <= min(_value(r, "tre_mm"), 1e10) < high]
        counts[name] = [mine.count(flag) for flag in FLAGS]
    return counts


def _check(folder: Path) -> None:
    text = (folder / "flag_calibration.md").read_text(encoding="utf-8")
    with (folder / "flag_calibration.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rule = PrintedRule(text)
    groups = [list(g) for _, g in groupby(rows, key=lambda r: (r["patient"], r["scenario"]))]
    flags = [flag for group in groups for flag in rule.together(group)]
    titles = {_title(row) for row in rows}
    assert {"Held-out patients", "Patients that chose"} <= titles
    for title in titles:
        mine = [(r, f) for r, f in zip(rows, flags, strict=True) if _title(r) == title]
        assert _counted([r for r, _ in mine], [f for _, f in mine]) == _printed(text, title)


def _random_observation(rng: np.random.Generator, patient: int, scenario: str, level: str) -> Observation:
    """Near every limit, and now and then not measured."""
    middle = {
        "match_ratio": (0.75, 0.12), "stretch_mm": (0.6, 0.25), "level_ratio": (1.3, 0.2),
        "spread_mm": (0.2, 0.1), "disc_offset_mm": (0.6, 0.5), "network_disagreement_mm": (4, 4),
        "neighbour_disagreement_mm": (2, 2), "uncertainty_mm": (0.6, 0.2), "uncertainty_deg": (0.8, 0.2),
        "visible_share": (0.7, 0.25), "label_offset_mm": (-2, 1.5), "label_contrast": (0.5, 0.2),
        "overlap_share": (0.04, 0.04),
    }  # fmt: skip
    values = {
        name: float("nan") if rng.uniform() < 0.05 else float(rng.normal(*middle[name]))
        for name in INDICATORS
    }
    for name in ("stretch_mm", "neighbour_disagreement_mm"):
        values[name] = abs(values[name])
    tre = float(rng.choice([rng.uniform(0, 3), math.inf]))
    row = unjudged(level, 0, **values)
    sides = float(np.random.default_rng([patient, len(scenario)]).uniform(0.9, 1.1))
    return Observation(patient, "lumbar", "T1", scenario, level, "", tre, tre, sides, row)


def test_on_random_indicators(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [
        _random_observation(rng, patient, scenario, level)
        for patient in range(12)
        for scenario in ("first", "second", "third")
        for level in ("L2", "L3", "L4", "L5")
    ]
    write_observations(tmp_path / "flag_calibration.csv", rows)
    publish_observations(read_observations(tmp_path / "flag_calibration.csv"), tmp_path)
    _check(tmp_path)


def test_on_the_published_table() -> None:
    _check(PUBLISHED)


@pytest.mark.parametrize("flag", FLAGS)
def test_random_indicators_give_every_flag(flag: str) -> None:
    rng = np.random.default_rng(1)
    rule = PrintedRule((PUBLISHED / "flag_calibration.md").read_text(encoding="utf-8"))
    rows = [_random_observation(rng, 0, "", "L3").as_values() for _ in range(100)]
    assert flag in {rule.alone({k: str(v) for k, v in row.items()}) for row in rows}
