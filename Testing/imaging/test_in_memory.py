"""Inputs in memory are checked exactly as the same inputs in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.case import Case
from spine_ctmr.imaging.checks import InputNames
from spine_ctmr.imaging.read_case import read_case

Inputs = dict[str, object]
NAMES = {
    role: getattr(InputNames(), role) for role in ("ct", "mr", "vertebrae", "mr_landmarks", "mr_vertebrae")
}


@pytest.fixture
def inputs(patient) -> Inputs:
    points = {f"L{n - 19}": tuple(center) for n, center in patient.centers.items()}
    return {"ct": patient.ct, "mr": patient.mr, "vertebrae": patient.labels, "mr_landmarks": points}


def in_files(inputs: Inputs, folder: Path) -> Inputs:
    """The same inputs as files."""
    paths = {}
    for role, given in inputs.items():
        paths[role] = folder / f"{role}{'.json' if role == 'mr_landmarks' else '.mha'}"
        if isinstance(given, sitk.Image):
            sitk.WriteImage(given, paths[role])
        else:
            paths[role].write_text(json.dumps(given))
    return paths


def with_voxels(image: sitk.Image, change: Callable[[np.ndarray], np.ndarray]) -> sitk.Image:
    changed = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(image)))
    changed.CopyInformation(image)
    return changed


def elsewhere(image: sitk.Image) -> sitk.Image:
    moved = sitk.Image(image)
    moved.SetOrigin((900.0, 900.0, 900.0))
    return moved


def in_metres(image: sitk.Image) -> sitk.Image:
    small = sitk.Image(image)
    small.SetSpacing([s / 1000 for s in image.GetSpacing()])
    return small


def stacked(image: sitk.Image, copies: int) -> sitk.Image:
    return sitk.JoinSeries([image] * copies)


def test_the_case_is_that_of_the_files(inputs: Inputs, tmp_path: Path) -> None:
    inputs["mr_vertebrae"] = with_voxels(
        inputs["vertebrae"], lambda v: np.where(v == 22, 0, v).astype(np.int16)
    )
    inputs["mr"] = stacked(inputs["mr"], 1)
    inputs["mr_landmarks"] = {**inputs["mr_landmarks"], "tumour": (1, 2, 3)}
    held, read = read_case(**inputs), read_case(**in_files(inputs, tmp_path))
    for name in ("ct", "mr", "vertebrae", "mr_vertebrae"):
        one, other = getattr(held, name), getattr(read, name)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other))
        assert (one.GetOrigin(), one.GetPixelID()) == (other.GetOrigin(), other.GetPixelID())
    assert held.mr_centroids.keys() == read.mr_centroids.keys() == {20, 21, 22}
    assert held.warnings == read.warnings
    assert any("tumour" in warning for warning in held.warnings)
    assert held.about == read.about


def test_nothing_given_is_changed(inputs: Inputs) -> None:
    before = {role: sitk.Hash(image) for role, image in inputs.items() if isinstance(image, sitk.Image)}
    case = read_case(**inputs)
    assert isinstance(case, Case)
    assert {role: sitk.Hash(inputs[role]) for role in before} == before


FAULTS: dict[str, Callable[[Inputs], Inputs]] = {
    "NaN": lambda i: {"ct": with_voxels(i["ct"], lambda v: np.where(v > 250, np.nan, v))},
    "constant": lambda i: {"mr": with_voxels(i["mr"], np.zeros_like)},
    "swapped": lambda i: {"ct": i["mr"], "mr": i["ct"]},
    "metres": lambda i: {"ct": in_metres(i["ct"])},
    "series": lambda i: {"mr": stacked(i["mr"], 3)},
    "slice": lambda i: {"ct": i["ct"][:, :, 5]},
    "colours": lambda i: {"mr": sitk.Compose([i["mr"]] * 3)},
    "no labels": lambda i: {"vertebrae": with_voxels(i["vertebrae"], np.zeros_like)},
    "an image for labels": lambda i: {"vertebrae": sitk.Cast(i["ct"], sitk.sitkFloat32) + 0.3},
    "labels elsewhere": lambda i: {"vertebrae": elsewhere(i["vertebrae"])},
    "points elsewhere": lambda i: {"mr_landmarks": {"L1": (900, 900, 900), "L2": (900, 900, 870)}},
    "no vertebra": lambda i: {"mr_landmarks": {"tumour": (0, 0, 0)}},
    "no numbers": lambda i: {"mr_landmarks": {"L1": (0, 0)}},
    "one place": lambda i: {"mr_landmarks": {"L1": (0, 0, 0), "L2": (0, 0, 0)}},
    "other levels": lambda i: {"mr_landmarks": {"T1": i["mr_landmarks"]["L1"]}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_as_that_of_the_file(fault: str, inputs: Inputs, tmp_path: Path) -> None:
    inputs |= FAULTS[fault](inputs)
    paths = in_files(inputs, tmp_path)
    with pytest.raises(InputError) as of_file:
        read_case(**paths)
    with pytest.raises(InputError) as of_memory:
        read_case(**inputs)
    expected = str(of_file.value)
    for role, path in paths.items():
        expected = expected.replace(f"'{path}'", NAMES[role]).replace(str(path), NAMES[role])
    assert str(of_memory.value) == expected[0].upper() + expected[1:]


def test_other_types_and_one_image_for_two_are_refused(inputs: Inputs) -> None:
    with pytest.raises(InputError, match=r"^The CT is a ndarray; give a SimpleITK image or a path\.$"):
        read_case(**{**inputs, "ct": sitk.GetArrayFromImage(inputs["ct"])})
    with pytest.raises(InputError, match=r"^The MR landmark list is a list; give .* or a path\.$"):
        read_case(**{**inputs, "mr_landmarks": [(1, 2, 3)]})
    with pytest.raises(InputError, match=r"^The CT is given twice"):
        read_case(**{**inputs, "mr": inputs["ct"]})


def test_what_is_done_to_an_image_counts_from_the_next_case_on(inputs: Inputs) -> None:
    labels = sitk.Image(inputs["vertebrae"])
    before = read_case(**{**inputs, "vertebrae": labels})
    first, *others = np.unique(sitk.GetArrayFromImage(before.vertebrae))[1:].tolist()
    z, y, x = np.nonzero(sitk.GetArrayFromImage(labels) == first)
    for index in zip(x.tolist(), y.tolist(), z.tolist(), strict=True):
        labels[index] = 0
    shared = sitk.Image(labels)

    after = read_case(**{**inputs, "vertebrae": labels})

    assert np.unique(sitk.GetArrayFromImage(after.vertebrae))[1:].tolist() == others
    assert first in sitk.GetArrayFromImage(before.vertebrae)
    assert first not in sitk.GetArrayFromImage(shared)


def test_names_of_segments_count_in_memory_too(inputs: Inputs) -> None:
    """As SimpleITK reads a Slicer segmentation: any label values, names in the header."""
    levels = {20: 5, 21: 6, 22: 7}
    labels = with_voxels(
        inputs["vertebrae"], lambda v: sum((v == n) * np.uint8(k) for n, k in levels.items())
    )
    for i, (number, value) in enumerate(levels.items()):
        for key, text in (
            ("ID", f"s{i}"),
            ("Name", f"L{number - 19}"),
            ("LabelValue", str(value)),
            ("Layer", "0"),
        ):
            labels.SetMetaData(f"Segment{i}_{key}", text)
    case = read_case(**{**inputs, "vertebrae": labels})
    found, true = (sitk.GetArrayFromImage(image) for image in (case.vertebrae, inputs["vertebrae"]))
    np.testing.assert_array_equal(found, true)
