"""One way in which inputs are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .known import Known

SIDE = (
    "Where CT and MR are mirrored alike, nothing in them tells: the report says that left and right are "
    "those of the files."
)
NAMES = (
    "Which level it is, images without ribs and sacrum do not tell: the report says that the names are those "
    "of the labels."
)

Change = Callable[[Known, Known], Known]
"""The wrong inputs of a patient, given another patient too."""


@dataclass(frozen=True)
class WrongInput:
    """One way to be wrong.

    Attributes:
        name: of its files.
        title: in the table.
        make: the wrong inputs.
        untold: why nothing in the images may tell; "" where something does.
    """

    name: str
    title: str
    make: Change
    untold: str = ""


def own(change: Callable[..., Known], *how: object) -> Change:
    """A change that needs no other patient."""

    def make(known: Known, _: Known) -> Known:
        return change(known, *how)

    return make
