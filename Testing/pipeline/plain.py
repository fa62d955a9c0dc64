"""A patient in plain files, and whether it is found again from files that say the same otherwise.

Inputs that are read as the very same values at the same places have the plain input's poses, since a
registration repeats itself bit by bit (`test_repeatable.py`); what differs is registered and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.imaging.label_voxels import label_voxels
from spine_ctmr.imaging.read_case import ReadingOptions, read_case
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.registration import register

CLOSE_MM = 0.1
NUMBERS = (22, 23, 24)
INPUTS = ("ct", "mr", "vertebrae", "mr_landmarks")


class Plain:
    """The patient's plain files with the poses that they give, and the same patient given otherwise."""

    def __init__(self, folder: Path, case: Case, poses: Mapping[int, Pose]) -> None:
        self.case, self.poses = case, poses
        files = ("ct.nii.gz", "mr.nrrd", "labels.mha", "landmarks.json")
        self.files = dict(zip(INPUTS, (folder / name for name in files), strict=True))
        read = read_case(**self.files)
        self.bone = {n: v.points(200) for n, v in label_voxels(read.vertebrae).items()}
        self._known = {fingerprint(read): poses}

    def read(self, options: ReadingOptions | None = None, **odd: Path) -> Case:
        return read_case(**{**self.files, **odd}, options=options)

    def is_found_by(self, case: Case) -> None:
        """The case has the plain input's poses."""
        key = fingerprint(case)
        if key not in self._known:
            self._known[key] = poses_of(case)
        found = self._known[key]
        assert found.keys() == self.poses.keys()
        for number, points in self.bone.items():
            apart = np.linalg.norm(found[number].apply(points) - self.poses[number].apply(points), axis=1)
            assert apart.max() <= CLOSE_MM, vertebra_name(number)


def poses_of(case: Case) -> dict[int, Pose]:
    return dict(register(case, RegistrationOptions(quality="fast", threads=1)).found.poses)


def fingerprint(case: Case) -> str:
    """The values of all images and where they are, to 0.1 µm; of centres to 1 µm."""
    digest = hashlib.sha256()
    for image in (case.ct, case.mr, case.vertebrae):
        grid = Grid.of(image)
        place = np.round(np.r_[grid.size, grid.spacing_mm, grid.origin_mm, grid.direction], 4) + 0.0
        digest.update(place.tobytes() + sitk.GetArrayFromImage(image).astype(np.float32).tobytes())
    for number, center in sorted((case.mr_centroids or {}).items()):
        digest.update(np.round([number, *center], 3).tobytes())
    return digest.hexdigest()


def refused(plain: Plain, words: str, **odd: Path) -> None:
    with pytest.raises(InputError) as error:
        plain.read(**odd)
    assert words in str(error.value), error.value
    assert "\n" not in str(error.value)


def labels_of(plain: Plain, numbers: dict[int, float], dtype: type = np.int16) -> sitk.Image:
    """The labels called by other numbers."""
    array = sitk.GetArrayFromImage(plain.case.vertebrae)
    result = np.zeros(array.shape, dtype)
    for number, value in numbers.items():
        result[array == number] = value
    return Grid.of(plain.case.vertebrae).image(result)


def written(image: sitk.Image, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path
