"""Whether a vertebra's result may be trusted, from what the registration knows about itself.

A first rule set: thresholds on single signals. The worst rule wins; a signal that was not measured
(NaN) says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Flag = Literal["good", "check", "do not use"]

NAN = float("nan")

VISIBLE_SHARE_CHECK = 0.7
"""Below this share of the bone inside the MR, the pose rests on part of the vertebra."""
VISIBLE_SHARE_REFUSE = 0.25
"""Below this share the neighbours decide the pose, not the images."""
SPREAD_CHECK_MM = 0.75
"""Multi-start refinements of one vertebra normally end within a few tenths of a millimetre."""
SPREAD_REFUSE_MM = 2.0
"""Surgical tolerance: starts that disagree by more found different answers."""
RESIDUAL_RATIO_CHECK = 1.02
"""Images that match worse after registration than before, beyond 2 % of noise."""
OVERLAP_SHARE_CHECK = 0.1
"""Share of the bone that runs into a neighbour; facet joints alone stay below it."""
DISAGREEMENT_CHECK_MM = 6.0
"""Distance between the pose and what the network, or the neighbours, expect of it."""
DISAGREEMENT_REFUSE_MM = 12.0
"""The same, at a third of a lumbar level: the pose may sit on the wrong level."""


@dataclass(frozen=True)
class VertebraQuality:
    """One row of the quality table; NaN = not measured.

    Attributes:
        name: such as "L4".
        number: VerSe number.
        flag: whether to trust the vertebra.
        reason: one line that explains the flag.
        residual_before: mean MIND difference of CT and MR in the bone at the start.
        residual_after: the same after registration.
        match_ratio: MIND difference after registration over the smallest one 5 mm beside (1 = no better).
        level_ratio: mean MIND difference one level beside over that at this level, of the whole spine.
        nmi_before: normalised mutual information of CT and MR in and around the bone at the start.
        nmi_after: the same after registration.
        spread_mm: disagreement of the multi-start refinements.
        network_disagreement_mm: distance between the refined pose and the network's.
        neighbour_disagreement_mm: distance between the refined pose and its neighbours' prediction.
        visible_share: share of the bone inside the MR's field of view, 0 to 1.
        overlap_share: share of the bone that overlaps other vertebrae, 0 to 1.
        moved_mm: how far refinement moved the vertebra's centre from its start.
        rotated_deg: how far it turned it.
        jacobian_mean: mean determinant in the bone (1 = rigid).
        jacobian_sd: its standard deviation (0 = rigid).
    """

    name: str
    number: int
    flag: Flag = "check"
    reason: str = ""
    residual_before: float = NAN
    residual_after: float = NAN
    match_ratio: float = NAN
    level_ratio: float = NAN
    nmi_before: float = NAN
    nmi_after: float = NAN
    spread_mm: float = NAN
    network_disagreement_mm: float = NAN
    neighbour_disagreement_mm: float = NAN
    visible_share: float = NAN
    overlap_share: float = NAN
    moved_mm: float = NAN
    rotated_deg: float = NAN
    jacobian_mean: float = NAN
    jacobian_sd: float = NAN


def flag_vertebra(name: str, number: int, **signals: float) -> VertebraQuality:
    """The table row of one vertebra, with the flag and its reason filled in from the signals.

    Args:
        name: such as "L4".
        number: VerSe number.
        signals: the measured attributes of `VertebraQuality` by name.
    """
    row = VertebraQuality(name=name, number=number, **signals)  # type: ignore[arg-type]
    flag, reason = judge(row)
    return replace(row, flag=flag, reason=reason)


def judge(row: VertebraQuality) -> tuple[Flag, str]:
    """Flag and one-line reason from the signals in `row`; its own flag is not looked at."""
    refused, doubted = _refusals(row), _doubts(row)
    if refused:
        return "do not use", "; ".join(refused)
    if doubted:
        return "check", "; ".join(doubted)
    if not _measured(row):
        return "check", "no quality signal was measured"
    return "good", "no check raised a doubt"


def verdict(rows: Sequence[VertebraQuality]) -> str:
    """The table in one sentence."""
    if not rows:
        return "No vertebra was assessed."
    refused = [row.name for row in rows if row.flag == "do not use"]
    doubted = [row.name for row in rows if row.flag == "check"]
    if not refused and not doubted:
        return "The only vertebra is good." if len(rows) == 1 else f"All {len(rows)} vertebrae are good."
    good = len(rows) - len(refused) - len(doubted)
    parts = [f"{good} of {len(rows)} vertebrae good"]
    parts += [f"check {', '.join(doubted)}"] if doubted else []
    parts += [f"do not use {', '.join(refused)}"] if refused else []
    return "; ".join(parts) + "."


def _refusals(row: VertebraQuality) -> list[str]:
    reasons = []
    if row.visible_share < VISIBLE_SHARE_REFUSE:
        reasons.append(_visible(row))
    if row.spread_mm > SPREAD_REFUSE_MM:
        reasons.append(_spread(row))
    return reasons + _disagreements(row, DISAGREEMENT_REFUSE_MM)


def _doubts(row: VertebraQuality) -> list[str]:
    reasons = []
    if row.visible_share < VISIBLE_SHARE_CHECK:
        reasons.append(_visible(row))
    if row.spread_mm > SPREAD_CHECK_MM:
        reasons.append(_spread(row))
    if row.residual_after >= row.residual_before * RESIDUAL_RATIO_CHECK:
        reasons.append("CT and MR match worse in this bone than before")
    if row.overlap_share > OVERLAP_SHARE_CHECK:
        reasons.append(f"{100 * row.overlap_share:.0f} % of the bone overlaps another vertebra")
    return reasons + _disagreements(row, DISAGREEMENT_CHECK_MM)


def _disagreements(row: VertebraQuality, limit_mm: float) -> list[str]:
    reasons = []
    if row.network_disagreement_mm > limit_mm:
        reasons.append(f"{row.network_disagreement_mm:.1f} mm from where the network puts it")
    if row.neighbour_disagreement_mm > limit_mm:
        reasons.append(f"{row.neighbour_disagreement_mm:.1f} mm from where its neighbours put it")
    return reasons


def _visible(row: VertebraQuality) -> str:
    return f"only {100 * row.visible_share:.0f} % of the bone lies inside the MR"


def _spread(row: VertebraQuality) -> str:
    return f"different starts end {row.spread_mm:.1f} mm apart"


def _measured(row: VertebraQuality) -> bool:
    """Whether any signal that a rule looks at was measured."""
    pairs = math.isfinite(row.residual_before) and math.isfinite(row.residual_after)
    single = (
        row.spread_mm,
        row.network_disagreement_mm,
        row.neighbour_disagreement_mm,
        row.visible_share,
        row.overlap_share,
    )
    return pairs or any(not math.isnan(value) for value in single)
