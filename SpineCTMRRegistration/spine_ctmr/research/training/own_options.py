"""How the user's own patients are prepared and divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ...recipe_tables import require

INTERPOLATIONS = ("linear", "lanczos")


@dataclass(frozen=True)
class OwnDataOptions:
    """Own patients; the defaults start as registrations do and hold out a share for validation.

    Attributes:
        interpolation: of images on the network's grid, "linear" or "lanczos"; labels keep the nearest voxel.
        start_level: VerSe number of the vertebra whose labels in CT and MR give the rigid start; 0 for the
            start of registrations.
        affine: register affinely by mutual information after the rigid start (`affine_start`).
        validation_share: of all patients.
        test_share: of all patients, which no training of any fold sees.
        fold: number of the division into training and validation, from 0.
    """

    interpolation: str = "linear"
    start_level: int = 0
    affine: bool = False
    validation_share: float = 0.15
    test_share: float = 0.0
    fold: int = 0

    def __post_init__(self) -> None:
        known = self.interpolation in INTERPOLATIONS
        require(known, "own_data.interpolation", " or ".join(INTERPOLATIONS))
        require(0 <= self.start_level <= 25, "own_data.start_level", "a vertebra's number up to 25, or 0")
        require(0 < self.validation_share < 1, "own_data.validation_share", "above 0 and below 1")
        require(0 <= self.test_share < 1, "own_data.test_share", "at least 0 and below 1")
        require(self.fold >= 0, "own_data.fold", "0 or more")


class Division(NamedTuple):
    """Numbers of patients."""

    training: list[int]
    validation: list[int]
    test: list[int]


def divided(count: int, options: OwnDataOptions, labelled: Sequence[int]) -> Division:
    """Divide patients at random, the same way every time; folds share the test patients.

    The validation patients of different folds are different ones (van Ulsen 2022, section 4.1.1: three times
    31 to train and 9 to validate, and 9 to test, of 49).

    Args:
        count: patients.
        options: shares and fold.
        labelled: patients with labels of the MR; they alone are validated and tested on, where there are any.

    Raises:
        InputError: there are too few patients for the fold.
    """
    order = [int(k) for k in np.random.default_rng(0).permutation(count)]
    usable = [k for k in order if k in set(labelled)] or order
    tests = round(options.test_share * count)
    size = max(1, round(options.validation_share * count))
    first = tests + options.fold * size
    validation, test = usable[first : first + size], usable[:tests]
    training = [k for k in range(count) if k not in {*validation, *test}]
    if not (len(validation) == size and training):
        raise InputError(
            f"{count} patients, {len(usable)} of them fit to validate on, are too few for fold "
            f"{options.fold} with {tests} to test and {size} to validate; lower own_data.fold or its shares."
        )
    return Division(training, sorted(validation), sorted(test))
