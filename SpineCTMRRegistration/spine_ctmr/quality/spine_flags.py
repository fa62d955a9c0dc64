"""Flags of a whole spine: what its vertebrae say together of each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from ..vertebrae.level_check import CLEARLY_BETTER
from .flags import NAN, VISIBLE_SHARE_CHECK, VertebraQuality
from .sides import MIRRORED, TOLD

NO_MATCH_RATIO = 0.92
"""Where the median vertebra matches no better, nothing fits; mostly accurate ones stay below 0.87."""

OTHER_BONES_MM = 0.95
"""Where `mismatch_mm` is larger, CT and MR are of different patients. The middle, by ratio, between the
largest of the mostly accurate registrations of the fitting half and the smallest of those with another
patient's MR."""


def judged_together(
    rows: Sequence[VertebraQuality], way: str, side_ratio: float
) -> tuple[list[VertebraQuality], str | None]:
    """The rows in each other's light, and what says that the registration failed as a whole.

    Args:
        rows: judged one by one.
        way: "cranial" or "caudal", where another level would lie.
        side_ratio: see `sides`; NaN says nothing.
    """
    if any(row.level_ratio < CLEARLY_BETTER for row in rows):
        return at_wrong_level(rows, way), (
            "All vertebrae seem to be named one level wrong: the images agree better with every CT vertebra "
            f"one level more {way} in the MR; check the names of the CT labels and of the MR landmarks."
        )
    if (other := other_bones(rows)) is not None:
        mirrored = ", that left and right are not exchanged" if side_ratio < MIRRORED else ""
        return of_other_bones(rows), (
            f"CT and MR do not seem to show the same bones: {other}; check that both are of the same patient"
            f"{mirrored} and that the MR landmarks are at the right levels."
        )
    if side_ratio < MIRRORED:
        return of_exchanged_sides(rows), (
            "Left and right of the CT or of the MR seem to be exchanged: the tissue around the bones agrees "
            "better with the mirrored CT; check how the images were exported and converted."
        )
    judged = in_company(of_untold_sides(rows) if side_ratio < TOLD else rows)
    seen = _seen(judged)
    refused = [row.name for row in seen if row.flag == "do not use"]
    if 2 * len(refused) > len(seen):
        return judged, (
            f"The registration failed its own checks for {', '.join(refused)}; look at the report, and give "
            "MR landmarks of the right levels."
        )
    return judged, None


def other_bones(rows: Sequence[VertebraQuality]) -> str | None:
    """What says that CT and MR do not show the same bones, in words; None where they seem to."""
    if mismatch_mm(rows) > OTHER_BONES_MM:
        stretch, strain = _stretch_and_strain(rows)
        size = f"the bones of the CT would match best if their size were changed by {stretch:.1f} mm"
        return (
            size if math.isnan(strain) else f"{size}, and lie {strain:.1f} mm from where their neighbours say"
        )
    if (ratio := middle_of(rows, "match_ratio")) > NO_MATCH_RATIO:
        return f"they match only {100 * (1 - ratio):.0f} % better than 5 mm beside"
    return None


def mismatch_mm(rows: Sequence[VertebraQuality]) -> float:
    """Geometric mean of the median stretch of the bones and the median strain of the joints.

    Either is large now and then where all is right, both are not. The stretch alone where no joint was
    measured; NaN where nothing was.
    """
    stretch, strain = _stretch_and_strain(rows)
    return stretch if math.isnan(strain) else math.sqrt(stretch * strain)


def _stretch_and_strain(rows: Sequence[VertebraQuality]) -> tuple[float, float]:
    return middle_of(rows, "stretch_mm"), middle_of(rows, "neighbour_disagreement_mm")


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


def of_untold_sides(rows: Sequence[VertebraQuality]) -> list[VertebraQuality]:
    """The rows, none of them good, because nothing tells left from right."""
    reason = "make sure of left and right: the tissue around the bones agrees as well with the mirrored CT"
    return [replace(row, flag="check", reason=reason) if row.flag == "good" else row for row in rows]


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
