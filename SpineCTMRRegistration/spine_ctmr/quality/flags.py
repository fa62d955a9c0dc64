"""Whether a vertebra's result may be trusted, from what the registration knows about itself.

The calibrated doubt (`doubt.RULE`) decides, and the hard `LIMITS` beside it; the worst wins. An indicator
that was not measured (NaN) says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from ..imaging.label_offsets import FOLLOWS
from .doubt import RULE, DoubtRule
from .reasons import in_words, most_doubtful

Flag = Literal["good", "check", "do not use"]
FLAGS: tuple[Flag, ...] = get_args(Flag)

NAN = float("nan")


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
        disc_offset_mm: how far off along the spine its discs in the MR say it is; NaN unless both are seen.
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
    disc_offset_mm: float = NAN
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


@dataclass(frozen=True)
class Limit:
    """A hard rule: beyond this value of one indicator a vertebra is not good, whatever the others say.

    Attributes:
        name: attribute of `VertebraQuality`.
        bound: the value.
        below: whether lower values are worse.
        flag: of a vertebra that breaks it.
    """

    name: str
    bound: float
    below: bool = False
    flag: Flag = "check"

    def is_broken(self, row: VertebraQuality) -> bool:
        """Whether a vertebra breaks it; what was not measured breaks nothing."""
        value = float(getattr(row, self.name))
        return value < self.bound if self.below else value > self.bound


VISIBLE_SHARE_CHECK = 0.6
"""Below this share of the bone inside the MR, the pose rests on part of the vertebra."""
LIMITS = (
    Limit("visible_share", 0.25, below=True, flag="do not use"),  # the neighbours decide the pose
    Limit("visible_share", VISIBLE_SHARE_CHECK, below=True),
    Limit("uncertainty_mm", 1.0),  # normal errors of this size, alike in all directions: 0.7 % exceed 2 mm
    Limit("overlap_share", 0.1),  # facet joints alone stay below it
    Limit("label_offset_mm", 0.0),
    Limit("label_contrast", FOLLOWS, below=True),
    Limit("disc_offset_mm", 1.0),
    Limit("stretch_mm", 0.75),  # a bone whose size changes by more is not the same
)


def flag_vertebra(name: str, number: int, **indicators: float) -> VertebraQuality:
    """The table row of one vertebra, with the flag and its reason filled in from the indicators.

    Args:
        name: such as "L4".
        number: VerSe number.
        indicators: the measured attributes of `VertebraQuality` by name.
    """
    row = unjudged(name, number, **indicators)
    flag, reason = judge(row)
    return replace(row, flag=flag, reason=reason)


def unjudged(name: str, number: int, **indicators: float) -> VertebraQuality:
    """The same with the flag and the reason left open."""
    return VertebraQuality(name=name, number=number, **indicators)  # type: ignore[arg-type]


def judge(row: VertebraQuality, rule: DoubtRule = RULE, limits: Sequence[Limit] = LIMITS) -> tuple[Flag, str]:
    """Flag and one-line reason from the indicators in `row`; its own flag is not looked at."""
    values = indicator_values(row, rule)
    if not any(math.isfinite(value) for value in values):
        return "check", "no quality indicator was measured"
    doubt = rule.doubt(values)
    broken = [limit for limit in limits if limit.is_broken(row)]
    refusing = [limit.name for limit in broken if limit.flag == "do not use"]
    doubtful = most_doubtful(values, rule) if doubt >= rule.good_below else []
    if refusing or doubt > rule.refuse_above:
        return "do not use", in_words(refusing or doubtful, asdict(row))
    reasons = [*doubtful, *(limit.name for limit in broken)]
    return ("check", in_words(reasons, asdict(row))) if reasons else ("good", "no check raised a doubt")


def indicator_values(row: VertebraQuality, rule: DoubtRule = RULE) -> list[float]:
    """The indicators of `rule` in its order."""
    return [float(getattr(row, indicator.name)) for indicator in rule.indicators]
