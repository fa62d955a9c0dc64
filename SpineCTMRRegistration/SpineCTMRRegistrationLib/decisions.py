"""What the reader says of each vertebra of a result: kept in its quality table, and so in the scene."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spine_ctmr.results.sign_off import Decision, SignOff, VertebraDecision, fingerprint, state

if TYPE_CHECKING:
    import slicer

SIGN_OFF = "SpineCTMRRegistration.SignOff"
"""Attribute of the table: decision, remark and time by vertebra, as JSON; a new run takes it away."""
COLUMNS = ("decision", "remark")
WORDS: Mapping[Decision, str] = {"accept": "accepted", "reject": "rejected", "": ""}


def decisions_in(table: slicer.vtkMRMLTableNode) -> dict[str, VertebraDecision]:
    """What was decided, by vertebra."""
    rows = json.loads(table.GetAttribute(SIGN_OFF) or "{}")
    return {name: VertebraDecision(name, row["decision"], row["remark"]) for name, row in rows.items()}


def decide(table: slicer.vtkMRMLTableNode, decision: VertebraDecision) -> None:
    """Keep what the reader says of one vertebra, in the attribute and in the table's columns."""
    rows = json.loads(table.GetAttribute(SIGN_OFF) or "{}")
    signed = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows[decision.vertebra] = {"decision": decision.decision, "remark": decision.remark, "signed": signed}
    table.SetAttribute(SIGN_OFF, json.dumps(rows))
    names = table.GetTable().GetColumnByName("vertebra")
    row = next(row for row in range(table.GetNumberOfRows()) if names.GetValue(row) == decision.vertebra)
    for key, text in zip(COLUMNS, (WORDS[decision.decision], decision.remark), strict=True):
        table.GetTable().GetColumnByName(key).SetValue(row, text)
    table.GetTable().Modified()


def sign_off_of(table: slicer.vtkMRMLTableNode, folder: Path, reviewer: str) -> SignOff | None:
    """The decisions of `reviewer`, bound to the result in `folder`; None where nothing was decided.

    Raises:
        InputError: the folder holds no result.
    """
    decided = tuple(one for one in decisions_in(table).values() if one.decision or one.remark)
    if not decided:
        return None
    rows: dict[str, Any] = json.loads(table.GetAttribute(SIGN_OFF) or "{}")
    signed = max(rows[one.vertebra]["signed"] for one in decided)
    return SignOff(decided, reviewer, signed, fingerprint(folder))


def with_decisions(page: str, sign_off: SignOff, vertebrae: Sequence[str]) -> str:
    """The report's page with the decisions above its footer."""
    decided = {one.vertebra: one for one in sign_off.vertebrae}
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{WORDS[one.decision] or 'open'}</td>"
        f"<td>{html.escape(one.remark)}</td></tr>"
        for name in vertebrae
        for one in [decided.get(name, VertebraDecision(name))]
    )
    section = (
        f"<h2>What the reader decided: {state(sign_off, vertebrae)}</h2>\n<table><thead><tr><th>Vertebra</th>"
        f"<th>Decision</th><th>Remark</th></tr></thead><tbody>{rows}</tbody></table>\n"
        f"<p>{html.escape(' '.join(filter(None, (sign_off.reviewer, sign_off.signed))))}</p>\n"
    )
    before, footer, after = page.rpartition("<footer>")
    return f"{before}{section}{footer}{after}" if footer else page.replace("</body>", f"{section}</body>")
