"""The report: one self-contained page that a radiologist can read, print and send."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quality.flags import Flag, VertebraQuality, verdict
from ..quality.privacy import without_paths
from .histogram import bone_histogram, describe
from .style import STYLE

SYMBOLS: dict[Flag, str] = {"good": "✓", "check": "?", "do not use": "✕"}
STATEMENTS = (
    "The network is trained on synthetic patients.",
    "The flags are calibrated on synthetic patients.",
    "“Good” means within 2 mm in 97 of 100 there, not within half a millimetre.",
    "For research use; not a medical device.",
)
OVERALL_TITLES = {
    "start": "Rigid start from",
    "start_residual_mm": "Distance of the matched centres after the start (mm)",
    "folding_voxels": "Folding voxels (det J ≤ 0)",
    "determinant_min": "Smallest det J",
    "determinant_max": "Largest det J",
    "sd_log_jacobian": "SDlogJ",
    "sd_log_jacobian_learn2reg": "SDlogJ as Learn2Reg computes it",
    "inverse_consistency_mm": "There and back (inverse consistency, mm)",
}
READING = (
    "Mismatch: MIND-SSC difference of CT and MR in the bone. Beside: mismatch over the smallest one 5 mm "
    "beside; near or above 1 the images do not prefer the pose. Stretch: how far the bone's points move when "
    "it may change its size to match better; below 0.6 mm for the same bone. Starts apart: how far different "
    "starts end from each other. Against neighbours: opening of the joints."
)

_COLUMNS: tuple[tuple[str, str, str, float, int], ...] = (
    ("visible_share", "In MR", "%", 100.0, 0),
    ("moved_mm", "Moved", "mm", 1.0, 1),
    ("rotated_deg", "Turned", "°", 1.0, 1),
    ("residual_before", "Mismatch before", "", 1.0, 3),
    ("residual_after", "and after", "", 1.0, 3),
    ("match_ratio", "Beside", "", 1.0, 2),
    ("stretch_mm", "Stretch", "mm", 1.0, 1),
    ("spread_mm", "Starts apart", "mm", 1.0, 1),
    ("neighbour_disagreement_mm", "Against neighbours", "mm", 1.0, 1),
    ("overlap_share", "Overlap", "%", 100.0, 1),
    ("jacobian_mean", "Mean det J", "", 1.0, 3),
    ("jacobian_sd", "SD", "", 1.0, 3),
)
"""Field, heading, unit, factor, decimals."""


def write_report(
    path: str | Path,
    pictures: Mapping[str, bytes],
    rows: Sequence[VertebraQuality],
    summary: Mapping[str, object],
    notes: Sequence[str],
    versions: Mapping[str, object],
    *,
    strip: Mapping[str, bytes] | None = None,
    determinants: NDArray[Any] | None = None,
    failure: str | None = None,
) -> None:
    """Write the page. Every text is escaped and freed of file paths.

    Args:
        path: where to write.
        pictures: PNG files by caption: the first for the first sheet, the others for the second.
        rows: the quality of each vertebra, top to bottom.
        summary: overall figures by name; floats are shown with three significant digits.
        notes: what was done and what to be aware of, one sentence each.
        versions: software, network and options by name.
        strip: a PNG of each vertebra in its own planes by vertebra name.
        determinants: det J (n,) at bone voxels.
        failure: why the registration failed its own checks.
    """
    first, *others = [_picture(caption, data) for caption, data in pictures.items()] or [""]
    titled = {OVERALL_TITLES.get(name, name): value for name, value in summary.items()}
    sections = (
        _head(rows, failure),
        _vertebrae(rows) if rows else "",
        first,
        _second_sheet(_strip(strip or {}, rows), others),
        '<div class="columns">',
        _whole("det J in bone", _histogram(determinants)),
        _whole("Overall", _pairs(titled)),
        _whole("What was done", _list(notes)),
        _whole("Versions", _pairs(versions)),
        "</div>",
        "<footer>" + "".join(f"<p>{_text(statement)}</p>" for statement in STATEMENTS) + "</footer>",
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Spine CT-MR registration report</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body></html>\n"
    )
    Path(path).write_text(page, encoding="utf-8")


def _head(rows: Sequence[VertebraQuality], failure: str | None) -> str:
    flags = {row.flag for row in rows}
    worst: Flag = (
        "do not use"
        if "do not use" in flags or failure
        else "check"
        if "check" in flags or not rows
        else "good"
    )
    style = {"good": "good", "check": "check", "do not use": "refuse"}[worst]
    more = f"<small>{_text(failure)}</small>" if failure else ""
    return (
        "<h1>Spine CT-MR registration</h1>"
        f'<p class="verdict {style}"><span>{SYMBOLS[worst]}</span>{_text(verdict(rows))}{more}</p>'
    )


def _picture(caption: str, data: bytes) -> str:
    return (
        f'<figure><div class="wide"><img alt="{_text(caption)}" src="{_source(data)}"></div>'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def _source(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"


def _second_sheet(strip: str, others: Sequence[str]) -> str:
    return f'<div class="sheet">{strip}{"".join(others)}</div>' if strip or others else ""


def _strip(strip: Mapping[str, bytes], rows: Sequence[VertebraQuality]) -> str:
    """Each vertebra in its own planes, with its flag."""
    if not strip:
        return ""
    flags = {row.name: row.flag for row in rows}
    figures = []
    for name, data in strip.items():
        flag = flags.get(name, "check")
        figures.append(
            f'<figure><img alt="{_text(name)} in its own sagittal and axial plane" src="{_source(data)}">'
            f"<figcaption>{_text(name)} {SYMBOLS[flag]} {_text(flag)}</figcaption></figure>"
        )
    title = "Each vertebra in its own sagittal and axial plane: MR, bone and outline of the registered CT"
    return f'<h2>{title}</h2><div class="strip">{"".join(figures)}</div>'


def _vertebrae(rows: Sequence[VertebraQuality]) -> str:
    """The table; columns that nobody measured are left out."""
    shown = [column for column in _COLUMNS if any(math.isfinite(getattr(row, column[0])) for row in rows)]
    heads = "".join(f'<th scope="col">{_text(title)}</th>' for _, title, *_ in shown)
    lines = []
    for row in rows:
        cells = "".join(
            f"<td>{_number(getattr(row, field) * factor, decimals, unit)}</td>"
            for field, _, unit, factor, decimals in shown
        )
        lines.append(
            f'<tr><th scope="row">{_text(row.name)}</th>'
            f'<td class="flag"><span>{SYMBOLS[row.flag]}</span>{_text(row.flag)}</td>'
            f'<td class="reason">{_text(row.reason)}</td>{cells}</tr>'
        )
    legend = f'<p class="legend">{_text(READING)}</p>' if any(c[0] == "match_ratio" for c in shown) else ""
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">Vertebra</th>'
        f'<th scope="col" class="text">Flag</th><th scope="col" class="text">Why</th>{heads}'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>{legend}"
    )


def _histogram(determinants: NDArray[Any] | None) -> str:
    values = np.empty(0) if determinants is None else determinants[np.isfinite(determinants)]
    if not values.size:
        return ""
    caption = f"Share of bone voxels in bins of 0.01; {describe(values)}. 1 = rigid."
    return f"<figure>{bone_histogram(values)}<figcaption>{_text(caption)}</figcaption></figure>"


def _whole(title: str, content: str) -> str:
    """A part that is not divided between two sheets."""
    return f'<div class="whole"><h2>{_text(title)}</h2>{content}</div>' if content else ""


def _list(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _pairs(values: Mapping[str, object]) -> str:
    if not values:
        return ""
    lines = (
        f'<tr><th scope="row">{_text(name)}</th><td>{_text(_plain(value))}</td></tr>'
        for name, value in values.items()
    )
    return f'<div class="scroll"><table class="pairs"><tbody>{"".join(lines)}</tbody></table></div>'


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "not measured"
    return str(value)


def _number(value: float, decimals: int, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    space = "" if unit in ("", "°") else "&nbsp;"
    return f"{value:.{decimals}f}{space}{unit}"


def _text(value: str) -> str:
    return escape(without_paths(str(value)), quote=True)
