"""Whether a vertebra's result may be trusted, from what the registration knows about itself.

The calibrated doubt (`doubt.RULE`) decides, and a few rules of plain geometry beside it; the worst wins.
An indicator that was not measured (NaN) says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from ..imaging.label_offsets import FOLLOWS
from .doubt import RULE, DoubtRule

Flag = Literal["good", "check", "do not use"]

NAN = float("nan")

VISIBLE_SHARE_CHECK = 0.6
"""Below this share of the bone inside the MR, the pose rests on part of the vertebra."""
VISIBLE_SHARE_REFUSE = 0.25
"""Below this share the neighbours decide the pose, not the images."""
OVERLAP_SHARE_CHECK = 0.1
"""Share of the bone that runs into a neighbour; facet joints alone stay below it."""
NETWORK_DISAGREEMENT_CHECK_MM = 2.5
"""97 % of the accurate vertebrae of the calibration stay below."""
OTHER_BONES_STRETCH_MM = 0.75
"""A bone whose size changes by more is not the same; where the median vertebra's does, CT and MR are of
different patients. The smallest limit that spares all mostly accurate registrations of the fitting half whose
stretch was measured."""
UNCERTAINTY_CHECK_MM = 0.8
"""A normally distributed error of this size is beyond 2 mm once in eighty times at most."""
NO_MATCH_RATIO = 0.92
"""Where the median vertebra matches no better, nothing fits; mostly accurate ones stay below 0.87."""
NOTABLE = 1.0
"""An indicator that adds this much to the doubt is named in the reason."""


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
        stretch_mm: how far the bone's points move when the CT's bone is stretched to match the MR best.
        level_ratio: mean MIND difference of the whole spine one level beside over that at this level.
        nmi_before: normalised mutual information of CT and MR in and around the bone at the start.
        nmi_after: the same after registration.
        spread_mm: disagreement of the multi-start refinements.
        network_disagreement_mm: distance between the refined pose and the network's.
        neighbour_disagreement_mm: distance between the refined pose and its neighbours' prediction.
        uncertainty_mm: standard deviation of the places of its points, by the images and the joints.
        uncertainty_deg: standard deviation of its rotation, likewise.
        visible_share: share of the bone inside the MR's field of view, 0 to 1.
        label_offset_mm: how far beside its bone the label, or its mean point, lies in the CT (0 = on it).
        label_contrast: how much brighter the CT is inside the label's outline, over the mean in the bone.
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
    stretch_mm: float = NAN
    level_ratio: float = NAN
    nmi_before: float = NAN
    nmi_after: float = NAN
    spread_mm: float = NAN
    network_disagreement_mm: float = NAN
    neighbour_disagreement_mm: float = NAN
    uncertainty_mm: float = NAN
    uncertainty_deg: float = NAN
    visible_share: float = NAN
    label_offset_mm: float = NAN
    label_contrast: float = NAN
    overlap_share: float = NAN
    moved_mm: float = NAN
    rotated_deg: float = NAN
    jacobian_mean: float = NAN
    jacobian_sd: float = NAN


def flag_vertebra(name: str, number: int, **indicators: float) -> VertebraQuality:
    """The table row of one vertebra, with the flag and its reason filled in from the indicators.

    Args:
        name: such as "L4".
        number: VerSe number.
        indicators: the measured attributes of `VertebraQuality` by name.
    """
    row = VertebraQuality(name=name, number=number, **indicators)  # type: ignore[arg-type]
    flag, reason = judge(row)
    return replace(row, flag=flag, reason=reason)


def judge(row: VertebraQuality, rule: DoubtRule = RULE) -> tuple[Flag, str]:
    """Flag and one-line reason from the indicators in `row`; its own flag is not looked at."""
    values = indicator_values(row, rule)
    if not any(math.isfinite(value) for value in values):
        return "check", "no quality indicator was measured"
    doubt = rule.doubt(values)
    if row.visible_share < VISIBLE_SHARE_REFUSE:
        return "do not use", _in_words("visible_share", row.visible_share)
    if doubt > rule.refuse_above:
        return "do not use", _doubtful(row, rule)
    reasons = [_doubtful(row, rule)] if doubt >= rule.good_below else []
    if row.visible_share < VISIBLE_SHARE_CHECK:
        reasons.append(_in_words("visible_share", row.visible_share))
    if row.uncertainty_mm > UNCERTAINTY_CHECK_MM:
        reasons.append(_in_words("uncertainty_mm", row.uncertainty_mm))
    if row.overlap_share > OVERLAP_SHARE_CHECK:
        reasons.append(f"{100 * row.overlap_share:.0f} % of the bone overlaps another vertebra")
    if row.label_offset_mm > 0:
        reasons.append(f"its label lies {row.label_offset_mm:.0f} mm beside its bone in the CT")
    elif row.label_contrast < FOLLOWS:
        reasons.append("the outline of its label does not follow the bone in the CT")
    if row.network_disagreement_mm > NETWORK_DISAGREEMENT_CHECK_MM:
        reasons.append(_in_words("network_disagreement_mm", row.network_disagreement_mm))
    if row.stretch_mm > OTHER_BONES_STRETCH_MM:
        reasons.append(_in_words("stretch_mm", row.stretch_mm))
    return ("check", "; ".join(dict.fromkeys(reasons))) if reasons else ("good", "no check raised a doubt")


def indicator_values(row: VertebraQuality, rule: DoubtRule = RULE) -> list[float]:
    """The indicators of `rule` in its order."""
    return [float(getattr(row, indicator.name)) for indicator in rule.indicators]


def other_bones(rows: Sequence[VertebraQuality]) -> str | None:
    """What says that CT and MR do not show the same bones, in words; None where they seem to."""
    for name, limit in (("stretch_mm", OTHER_BONES_STRETCH_MM), ("match_ratio", NO_MATCH_RATIO)):
        middle = middle_of(rows, name)
        if middle > limit:
            return _in_words(name, middle)
    return None


def middle_of(rows: Sequence[VertebraQuality], name: str) -> float:
    """Median of an indicator over the vertebrae that the MR shows mostly, over all where there are none."""
    values = [float(getattr(row, name)) for row in _seen(rows)]
    return median([value for value in values if math.isfinite(value)] or [NAN])


def _seen(rows: Sequence[VertebraQuality]) -> Sequence[VertebraQuality]:
    """The vertebrae that the MR shows mostly; all where there are none."""
    return [row for row in rows if not row.visible_share < VISIBLE_SHARE_CHECK] or rows


def of_other_bones(rows: Sequence[VertebraQuality]) -> list[VertebraQuality]:
    """The rows, all refused, because CT and MR do not show the same bones."""
    reason = "CT and MR do not seem to show the same bones"
    return [replace(row, flag="do not use", reason=reason) for row in rows]


def in_company(rows: Sequence[VertebraQuality]) -> list[VertebraQuality]:
    """The rows, none of them good where most vertebrae that the MR shows are doubted."""
    seen = _seen(rows)
    doubted = sum(row.flag != "good" for row in seen)
    if 2 * doubted <= len(seen):
        return list(rows)
    reason = "most vertebrae of this spine raise doubts"
    return [replace(row, flag="check", reason=reason) if row.flag == "good" else row for row in rows]


def not_rigid(rows: Sequence[VertebraQuality], bent_mm: Mapping[int, float]) -> list[VertebraQuality]:
    """The rows of a deformation that bends bones, none of them good.

    Args:
        rows: judged.
        bent_mm: RMS distance of every vertebra's points from its rigid motion, by VerSe number.
    """

    def judged(row: VertebraQuality) -> VertebraQuality:
        size = f" by {bent_mm[row.number]:.1f} mm" if row.number in bent_mm else ""
        bent = f"the vertebra is not rigid: the deformation bends it{size}"
        if row.flag == "good":
            return replace(row, flag="check", reason=bent)
        return replace(row, reason=f"{row.reason}; {bent}")

    return [judged(row) for row in rows]


def of_exchanged_sides(rows: Sequence[VertebraQuality]) -> list[VertebraQuality]:
    """The rows, all refused, because left and right of CT or MR are exchanged."""
    reason = "the tissue around the bones agrees better with the mirrored CT"
    return [replace(row, flag="do not use", reason=reason) for row in rows]


def at_wrong_level(rows: Sequence[VertebraQuality], side: str) -> list[VertebraQuality]:
    """The rows, all refused, because the images fit better one level to one `side`."""
    reason = f"the images fit better one level more {side}"
    return [replace(row, flag="do not use", reason=reason) for row in rows]


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


def _doubtful(row: VertebraQuality, rule: DoubtRule) -> str:
    """What adds most to the doubt, in words."""
    added = rule.contributions(indicator_values(row, rule))
    names = [indicator.name for indicator in rule.indicators]
    order = sorted(range(len(names)), key=lambda i: -added[i])
    notable = [names[i] for i in order[:2] if added[i] > NOTABLE] or [names[order[0]]]
    return "; ".join(_in_words(name, getattr(row, name)) for name in notable)


def _in_words(name: str, value: float) -> str:
    """What a doubtful indicator of `VertebraQuality` says."""
    if name == "match_ratio":
        worse = 100 * (1 - value)
        if worse <= 0:
            return "compare its edges in every plane: CT and MR match as well 5 mm beside"
        return f"compare its edges in every plane: CT and MR match only {worse:.0f} % better than 5 mm beside"
    if name == "stretch_mm":
        return f"the CT's bone would match best if its size were changed by {value:.1f} mm"
    if name == "level_ratio":
        return "count the levels: the spine fits nearly as well one level up or down"
    if name == "neighbour_disagreement_mm":
        return f"look at the joints with its neighbours: it moved {value:.1f} mm against them"
    if name == "uncertainty_mm":
        return f"compare its end plates in every plane: the images leave its place open by {value:.1f} mm"
    if name == "network_disagreement_mm":
        return f"compare its end plates in the sagittal view: the network puts it {value:.1f} mm elsewhere"
    return f"look at the part that the MR shows: only {100 * value:.0f} % of the bone lies inside it"
