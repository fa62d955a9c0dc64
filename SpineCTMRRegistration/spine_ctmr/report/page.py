"""The report: one self-contained page that a radiologist can read, print and send."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quality.flags import VertebraQuality
from ..quality.spine_flags import verdict
from .drawing import Rgb
from .histogram import bin_shares, describe
from .pictures import PlanePictures, as_jpeg, colour_bar
from .templates import asset, filled, source
from .verdict import STATEMENTS, SYMBOLS, mood, worst_flag

OVERALL_TITLES = {
    "start": "Rigid start from",
    "start_residual_mm": "Distance of the matched centres after the start (mm)",
    "folding_voxels": "Folding voxels (det J ≤ 0)",
    "determinant_min": "Smallest det J",
    "determinant_max": "Largest det J",
    "sd_log_jacobian": "SDlogJ",
    "sd_log_jacobian_learn2reg": "SDlogJ as Learn2Reg computes it",
    "inverse_consistency_mm": "There and back (inverse consistency, mm)",
    "side_ratio": "Agreement around the bones, over that with the CT mirrored",
}
VIEWS = {
    "mr": "MR",
    "ct": "CT, registered",
    "registered": "fused, registered",
    "before": "fused, rigid start",
}
"""The pictures of a plane, in the order of the page."""
BAR_COLUMNS = 760


@dataclass(frozen=True)
class Column:
    """A figure of a vertebra in a table.

    Attributes:
        field: attribute of `VertebraQuality`.
        title: heading.
        unit: after the number.
        factor: from the attribute to the number shown.
        decimals: shown.
    """

    field: str
    title: str
    unit: str
    factor: float
    decimals: int

    def text(self, row: VertebraQuality) -> str:
        """The figure of a row."""
        value = getattr(row, self.field) * self.factor
        if not math.isfinite(value):
            return "–"
        space = "" if self.unit in ("", "°") else "\N{NO-BREAK SPACE}"
        return f"{value:.{self.decimals}f}{space}{self.unit}"


READERS = (
    Column("moved_mm", "Moved", "mm", 1.0, 1),
    Column("rotated_deg", "Turned", "°", 1.0, 1),
    Column("visible_share", "In the MR", "%", 100.0, 0),
)
"""Beside the name, the flag and the reason."""
EXPERTS = (
    Column("residual_before", "Mismatch before", "", 1.0, 3),
    Column("residual_after", "and after", "", 1.0, 3),
    Column("match_ratio", "Beside", "", 1.0, 2),
    Column("stretch_mm", "Stretch", "mm", 1.0, 1),
    Column("spread_mm", "Starts apart", "mm", 1.0, 1),
    Column("neighbour_disagreement_mm", "Against neighbours", "mm", 1.0, 1),
    Column("disc_offset_mm", "Against its discs", "mm", 1.0, 1),
    Column("uncertainty_mm", "Uncertain by", "mm", 1.0, 1),
    Column("uncertainty_deg", "and", "°", 1.0, 1),
    Column("network_disagreement_mm", "From the network", "mm", 1.0, 1),
    Column("overlap_share", "Overlap", "%", 100.0, 1),
    Column("jacobian_mean", "Mean det J", "", 1.0, 3),
    Column("jacobian_sd", "SD", "", 1.0, 3),
)


@dataclass(frozen=True)
class Panel:
    """A picture of a row of pictures.

    Attributes:
        source: its address.
        percent: of the widest one's width, so that all have one scale.
    """

    source: str
    percent: int


@dataclass(frozen=True)
class Report:
    """What the page says.

    Attributes:
        case: what the user calls it; "" for nothing.
        made_on: the day of the run.
        rows: the quality of each vertebra, top to bottom.
        failure: why the registration failed its own checks.
        planes: MR, CT and both together, before and after, by plane.
        strip: a JPEG of each vertebra in its own planes by vertebra name.
        volume_change: pictures of det J by plane.
        determinants: det J (n,) at bone voxels.
        overall: figures by name; floats are shown with three significant digits.
        notes: what was done and what to be aware of, one sentence each.
        versions: software, network and options by name.
        viewer: name of the file beside the page in which the images can be scrolled.
    """

    case: str
    made_on: str
    rows: Sequence[VertebraQuality]
    failure: str | None
    planes: Mapping[str, PlanePictures]
    strip: Mapping[str, bytes]
    volume_change: Mapping[str, Rgb]
    determinants: NDArray[Any]
    overall: Mapping[str, object]
    notes: Sequence[str]
    versions: Mapping[str, object]
    viewer: str


def write_report(path: Path, report: Report) -> None:
    """Write the page. Every text is escaped and freed of file paths."""
    rows, determinants = report.rows, report.determinants[np.isfinite(report.determinants)]
    page = filled(
        "report.html.j2",
        style=asset("report.css"),
        case=report.case,
        made_on=report.made_on,
        verdict=verdict(rows),
        worst=worst_flag(rows, report.failure),
        mood=mood(rows, report.failure),
        failure=report.failure,
        symbols=SYMBOLS,
        statements=STATEMENTS,
        viewer=report.viewer,
        rows=rows,
        flags={row.name: row.flag for row in rows},
        panels=_panels(_by_caption(report.planes)),
        strip={name: source(data, "jpeg") for name, data in report.strip.items()},
        strip_columns=_strip_columns(len(report.strip)),
        volume_change=_panels(report.volume_change),
        bar=_picture(colour_bar(BAR_COLUMNS)),
        readers=READERS,
        experts=[column for column in EXPERTS if any(column.text(row) != "–" for row in rows)],
        histogram=bin_shares(determinants).tolist() if determinants.size else [],
        histogram_text=describe(determinants) if determinants.size else "",
        overall={OVERALL_TITLES.get(name, name): _plain(value) for name, value in report.overall.items()},
        notes=report.notes,
        versions={name: _plain(value) for name, value in report.versions.items()},
    )
    path.write_text(page, encoding="utf-8")


def _by_caption(planes: Mapping[str, PlanePictures]) -> dict[str, Rgb]:
    return {
        f"{plane}: {title}": getattr(pictures, view)
        for plane, pictures in planes.items()
        for view, title in VIEWS.items()
    }


def _panels(pictures: Mapping[str, Rgb]) -> dict[str, Panel]:
    """Pictures for the page by their captions."""
    widest = max((picture.shape[1] for picture in pictures.values()), default=1)
    return {
        caption: Panel(_picture(picture), round(100 * picture.shape[1] / widest))
        for caption, picture in pictures.items()
    }


def _picture(picture: Rgb) -> str:
    return source(as_jpeg(picture), "jpeg")


def _strip_columns(count: int) -> int:
    """So many vertebrae stand side by side on paper that all are on its second sheet."""
    return count if count <= 6 else min(9, math.ceil(count / 2))


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "not measured"
    return str(value)
