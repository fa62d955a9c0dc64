"""The report: one self-contained page that a radiologist can read, print and send."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from .flags import Flag, VertebraQuality, verdict
from .privacy import without_paths

SYMBOLS: dict[Flag, str] = {"good": "✓", "check": "?", "do not use": "✕"}
STATEMENTS = ("The network is trained on synthetic patients.", "For research use; not a medical device.")

_COLUMNS: tuple[tuple[str, str, str, float, int], ...] = (
    ("visible_share", "In MR", "%", 100.0, 0),
    ("spread_mm", "Starts apart", "mm", 1.0, 2),
    ("residual_before", "Mismatch before", "", 1.0, 3),
    ("residual_after", "and after", "", 1.0, 3),
    ("moved_mm", "Moved", "mm", 1.0, 1),
    ("rotated_deg", "Turned", "°", 1.0, 1),
    ("neighbour_disagreement_mm", "From neighbours", "mm", 1.0, 1),
    ("network_disagreement_mm", "From network", "mm", 1.0, 1),
    ("overlap_share", "Overlap", "%", 100.0, 1),
    ("jacobian_mean", "Mean det J", "", 1.0, 3),
)
"""Field, heading, unit, factor, decimals."""

_STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;color:#1b1b1b;background:#fff;
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.35rem;margin:.2rem 0 .8rem}
h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #bbb}
.verdict{font-size:1.2rem;font-weight:600;border:2px solid #1b1b1b;border-left-width:.7rem;
 border-radius:.3rem;padding:.6rem .9rem;margin:0 0 .8rem}
.good{border-color:#00694e}.check{border-color:#a86400}.refuse{border-color:#a32a00}
.verdict span,.flag span{display:inline-block;width:1.3em;font-weight:700}
figure{margin:0 0 1rem}img{display:block;width:100%;height:auto;background:#141414}
figcaption{font-size:.85rem;color:#444;margin-top:.2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .4rem;border-bottom:1px solid #ccc;text-align:right;vertical-align:top}
thead th{vertical-align:bottom;border-bottom:2px solid #555;font-weight:600}
th:first-child,th.text{text-align:left}td.flag{text-align:left;white-space:nowrap;font-weight:600}
td.reason{text-align:left;min-width:11rem}
table.pairs{width:auto}table.pairs td{text-align:left}table.pairs th{font-weight:400}
footer{margin-top:2rem;border-top:1px solid #bbb;padding-top:.5rem;font-size:.85rem;color:#444}
@media(max-width:40rem){body{padding:.6rem;font-size:15px}.wide{overflow-x:auto}.wide img{min-width:44rem}}
@media print{@page{size:A4 landscape;margin:11mm}body{max-width:none;padding:0;font-size:10pt}
 .scroll,.wide{overflow:visible}figure,tr,.verdict{break-inside:avoid}h2{break-after:avoid}
 img{max-height:165mm;width:auto;max-width:100%}table{font-size:8pt}td.reason{min-width:0}
 img,.verdict{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def write_report(
    path: str | Path,
    pictures: Mapping[str, bytes],
    rows: Sequence[VertebraQuality],
    summary: Mapping[str, object],
    notes: Sequence[str],
    versions: Mapping[str, object],
) -> None:
    """Write the page. Every text is escaped and freed of file paths.

    Args:
        path: where to write.
        pictures: PNG files by caption, in the order shown.
        rows: the quality of each vertebra, top to bottom.
        summary: overall figures by what they are; floats are shown with three significant digits.
        notes: what was done and what to be aware of, one sentence each.
        versions: software, network and options by name.
    """
    sections = (
        _head(rows),
        *(_picture(caption, data) for caption, data in pictures.items()),
        "<h2>Vertebrae</h2>" + _vertebrae(rows),
        "<h2>Overall</h2>" + _pairs(summary) if summary else "",
        "<h2>What was done</h2><ul>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>"
        if notes
        else "",
        "<h2>Versions</h2>" + _pairs(versions) if versions else "",
        "<footer>" + "".join(f"<p>{_text(statement)}</p>" for statement in STATEMENTS) + "</footer>",
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Spine CT-MR registration report</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body></html>\n"
    )
    Path(path).write_text(page, encoding="utf-8")


def _head(rows: Sequence[VertebraQuality]) -> str:
    flags = {row.flag for row in rows}
    worst: Flag = (
        "do not use" if "do not use" in flags else "check" if "check" in flags or not rows else "good"
    )
    style = {"good": "good", "check": "check", "do not use": "refuse"}[worst]
    return (
        "<h1>Spine CT-MR registration</h1>"
        f'<p class="verdict {style}"><span>{SYMBOLS[worst]}</span>{_text(verdict(rows))}</p>'
    )


def _picture(caption: str, data: bytes) -> str:
    source = base64.b64encode(data).decode("ascii")
    return (
        f'<figure><div class="wide"><img alt="{_text(caption)}" src="data:image/png;base64,{source}"></div>'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


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
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">Vertebra</th>'
        f'<th scope="col" class="text">Flag</th><th scope="col" class="text">Why</th>{heads}'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _pairs(values: Mapping[str, object]) -> str:
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
