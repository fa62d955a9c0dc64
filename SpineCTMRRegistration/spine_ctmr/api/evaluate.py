"""Measure a registration from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from numpy.typing import ArrayLike

from ..errors import InputError
from ..evaluation.landmark_pairs import IN_MEMORY, LandmarkPair, pairs_in_memory, read_landmark_pairs
from ..evaluation.measure import Evaluation, evaluate_with_images
from ..imaging.case import VertebraLabels
from ..imaging.given_scheme import given_scheme
from ..imaging.in_memory import ImageSource, image_or_path
from ..imaging.label_schemes import AUTO
from ..imaging.segmentation import read_vertebrae, vertebrae_in_memory
from ..results.registered import Registered
from ..results.stored import read_result

PairSource: TypeAlias = "Mapping[str, tuple[ArrayLike, ArrayLike]] | str | os.PathLike[str]"
"""(CT point, MR point) in LPS mm by landmark name, or the path of a file of pairs."""


def evaluate(
    registration: Registered | str | os.PathLike[str],
    mr_vertebrae: ImageSource | None = None,
    landmarks: PairSource | None = None,
    *,
    mr_label_scheme: str | None = AUTO,
) -> Evaluation:
    """Measure a registration: regularity, discs, and agreement with what is known independently.

    Args:
        registration: what `register` returned, `read_result` read, or the folder of results.
        mr_vertebrae: vertebra labels of the MR, drawn independently.
        landmarks: the same places in both images, `{"L4 tip": (ct_point, mr_point), …}` in LPS mm, or a file.
        mr_label_scheme: how the labels are numbered, as `spine-ctmr evaluate --label-scheme` takes it.

    Raises:
        InputError: an input cannot be used, a landmark lies outside its image, or the labels have no
            vertebra in common with the registration.
    """
    if not isinstance(registration, Registered):
        registration = read_result(registration)
    pairs = [] if landmarks is None else _pairs(landmarks)
    if mr_vertebrae is None:
        return evaluate_with_images(registration, None, pairs)
    reference = _labels(mr_vertebrae, mr_label_scheme)
    found = evaluate_with_images(registration, reference.image, pairs)
    return replace(found, notes=[*reference.warnings, *found.notes])


def _pairs(landmarks: PairSource) -> list[LandmarkPair]:
    if isinstance(landmarks, Mapping):
        return pairs_in_memory(landmarks)
    if not isinstance(landmarks, str | os.PathLike):
        raise InputError(
            f"The landmarks are a {type(landmarks).__name__}; give {IN_MEMORY}, or the path of one file."
        )
    return read_landmark_pairs([Path(landmarks)])


def _labels(given: ImageSource, scheme: str | None) -> VertebraLabels:
    name, read_by = "The MR segmentation", given_scheme(scheme)
    source = image_or_path(given, name)
    if isinstance(source, Path):
        return read_vertebrae(source, read_by)
    return vertebrae_in_memory(source, name, read_by, "mr_label_scheme")
