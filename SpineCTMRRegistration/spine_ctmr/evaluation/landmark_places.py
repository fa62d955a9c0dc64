"""Are landmark pairs inside their images, and would they be with a usual mistake undone?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid, Points
from ..imaging.label_checks import FLIP
from ..imaging.vertebra_names import quoted_list
from ..quality.metrics import tre
from .landmark_pairs import LandmarkPair

SUSPICIOUS_MM = 12.0
"""Pairs this far apart on average are looked at with every mistake undone."""
CLEARLY_BETTER = 1 / 3
MISTAKES: Mapping[str, Callable[[Points, Points], tuple[Points, Points]]] = {
    "CT and MR exchanged": lambda ct, mr: (mr, ct),
    "x and y of all points turned (RAS)": lambda ct, mr: (ct * FLIP, mr * FLIP),
    "x and y of the CT points turned (RAS)": lambda ct, mr: (ct * FLIP, mr),
    "x and y of the MR points turned (RAS)": lambda ct, mr: (ct, mr * FLIP),
}
"""What undoes each usual mistake, for LPS mm points (n, 3) of CT and MR."""


def check_places(pairs: Sequence[LandmarkPair], ct_grid: Grid | None, mr_grid: Grid) -> None:
    """Refuse pairs outside their images; without a grid of the CT, those of the MR alone.

    Raises:
        InputError: a point lies outside its image.
    """
    if not pairs:
        return

    def inside(ct: Points, mr: Points) -> tuple[Points, Points]:
        return np.ones(len(ct), bool) if ct_grid is None else ct_grid.contains(ct), mr_grid.contains(mr)

    ct, mr = _points(pairs)
    outside = [
        f"{quoted_list([pair.name for pair, ok in zip(pairs, found, strict=True) if not ok])} in the {image}"
        for image, found in zip(("CT", "MR"), inside(ct, mr), strict=True)
        if not found.all()
    ]
    if outside:
        fitting = (name for name, undone in MISTAKES.items() if np.all(inside(*undone(ct, mr))))
        mistake = next(fitting, None)
        mend = f"they lie inside with {mistake}, so correct that" if mistake else "check them (LPS mm)"
        raise InputError(f"Landmarks lie outside their image ({' and '.join(outside)}); {mend}.")


def likely_mistake(pairs: Sequence[LandmarkPair], mr_to_ct: sitk.Transform) -> tuple[str, ...]:
    """A sentence about pairs that fit far better with a usual mistake undone."""
    if not pairs:
        return ()
    ct, mr = _points(pairs)
    given = float(tre(mr, ct, mr_to_ct).mean())
    errors = {}
    for name, undone in MISTAKES.items():
        other_ct, other_mr = undone(ct, mr)
        errors[name] = float(tre(other_mr, other_ct, mr_to_ct).mean())
    best = min(errors, key=errors.__getitem__)
    if given < SUSPICIOUS_MM or errors[best] > CLEARLY_BETTER * given:
        return ()
    return (
        f"The landmarks fit better with {best} ({errors[best]:.1f} mm apart on average instead of"
        f" {given:.1f} mm); check them.",
    )


def _points(pairs: Sequence[LandmarkPair]) -> tuple[Points, Points]:
    return np.array([pair.ct for pair in pairs]), np.array([pair.mr for pair in pairs])
