"""Can these inputs be registered, and what should the user know about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from .case import Centroids
from .image_checks import check_image, check_origin
from .label_checks import check_labels, too_small
from .label_edges import check_mirrored
from .label_offsets import check_on_bone
from .label_voxels import label_voxels
from .landmark_checks import check_course, check_landmarks
from .modality_checks import check_modalities
from .vertebra_names import vertebra_list

_BONE_SAMPLES = 3000
"""Voxels per vertebra whose intensity is looked at."""


@dataclass(frozen=True)
class InputNames:
    """What to call the inputs in messages."""

    ct: str = "the CT"
    mr: str = "the MR"
    vertebrae: str = "the CT segmentation"
    mr_landmarks: str = "the MR landmark list"
    mr_vertebrae: str = "the MR segmentation"


def check_case(
    ct: sitk.Image,
    mr: sitk.Image,
    vertebrae: sitk.Image,
    mr_centroids: Centroids | None = None,
    mr_vertebrae: sitk.Image | None = None,
    names: InputNames | None = None,
) -> tuple[str, ...]:
    """Warnings, one sentence each, about inputs that can be registered.

    Args:
        ct: CT in HU.
        mr: MR of the same spine.
        vertebrae: CT vertebra labels, uint8 VerSe numbers, on any grid in the CT frame.
        mr_centroids: landmarks in the MR, LPS mm by VerSe number.
        mr_vertebrae: MR vertebra labels, uint8 VerSe numbers, on any grid in the MR frame.
        names: what to call the inputs.

    Raises:
        InputError: the inputs cannot be registered; the message names the input and the mend.
    """
    names = names or InputNames()
    check_image(ct, names.ct)
    check_image(mr, names.mr)
    check_origin(Grid.of(vertebrae), names.vertebrae)
    voxels = label_voxels(vertebrae)
    bone = [v.points(_BONE_SAMPLES) for v in voxels.values()]
    points = np.concatenate(bone) if bone else np.empty((0, 3))
    warnings = check_modalities(ct, mr, points, names.ct, names.mr)
    warnings += check_labels(voxels, ct, names.vertebrae, names.ct)
    check_mirrored(vertebrae, voxels, ct, names.vertebrae)
    warnings += check_on_bone(vertebrae, ct, names.vertebrae)
    levels = voxels.keys() - set(too_small(voxels, Grid.of(ct)))
    if mr_centroids is not None:
        warnings += check_landmarks(mr_centroids, mr, names.mr_landmarks, names.mr)
        _check_common(levels, mr_centroids, names.vertebrae, names.mr_landmarks)
        check_course(mr_centroids, {n: voxels[n].centroid_mm for n in levels}, names.mr_landmarks)
    if mr_vertebrae is not None:
        check_origin(Grid.of(mr_vertebrae), names.mr_vertebrae)
        in_mr = label_voxels(mr_vertebrae)
        warnings += check_labels(in_mr, mr, names.mr_vertebrae, names.mr)
        in_mr_levels = in_mr.keys() - set(too_small(in_mr, Grid.of(mr)))
        _check_common(levels, in_mr_levels, names.vertebrae, names.mr_vertebrae)
    return warnings


def _check_common(in_ct: Iterable[int], in_mr: Iterable[int], ct_name: str, mr_name: str) -> None:
    if not set(in_ct) & set(in_mr):
        raise InputError(
            f"{ct_name} ({vertebra_list(in_ct)}) and {mr_name} ({vertebra_list(in_mr)}) have no vertebra"
            " in common; name at least one vertebra in both."
        )
