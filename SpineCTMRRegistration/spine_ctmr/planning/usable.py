"""Which vertebrae of a result may go into planning: what its own checks and its reader say."""

from __future__ import annotations

from ..errors import InputError
from ..imaging.vertebra_names import vertebra_list
from .stored_result import StoredResult

REFUSED, REJECTED = "do not use", "reject"


def usable_vertebrae(result: StoredResult) -> tuple[list[int], tuple[str, ...]]:
    """VerSe numbers of the vertebrae that neither the quality table nor the reader refuses, and warnings.

    Raises:
        InputError: there is none.
    """
    refused = [n for n in result.poses if result.flags.get(n) == REFUSED]
    rejected = [n for n in result.poses if result.decisions.get(n) == REJECTED]
    usable = [n for n in result.poses if n not in refused and n not in rejected]
    if not usable:
        whose = "The reader" if rejected else "The quality table"
        raise InputError(f"{whose} refuses every vertebra of the result; register again.")
    warnings = [
        f"{says} {vertebra_list(numbers)}: no registration, segment or model of it is written, and the "
        "deformation and the warped images are not to be trusted there."
        for says, numbers in (
            ("The quality table says not to use", refused),
            ("The reader rejected", rejected),
        )
        if numbers
    ]
    unread = [n for n in usable if n not in result.decisions]
    if unread:
        warnings.append(
            f"No reader has accepted {vertebra_list(unread)}; look at each in the viewer and sign it off "
            "before it is planned on."
        )
    return usable, tuple(warnings)
