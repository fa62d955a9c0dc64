"""Labels and landmarks of other programs: the plain poses, or a sentence that says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.given_scheme import given_scheme
from spine_ctmr.imaging.read_case import ReadingOptions
from spine_ctmr.imaging.vertebra_names import vertebra_name

from .plain import NUMBERS, Plain, labels_of, refused, written


@pytest.mark.parametrize(
    ("scheme", "numbers"),
    [
        ("totalsegmentator", (29, 28, 27)),
        ("totalsegmentator-v1", (20, 19, 18)),
        ("totalspineseg", (43, 44, 45)),
        ("vertebrae-mr", (4, 3, 2)),
        ("spider", (3, 2, 1)),
        ("verse", (22, 23, 24)),
        ("17=L3,4=L4,9=L5", (17, 4, 9)),
    ],
)
def test_numbers_of_known_programs(
    plain: Plain, tmp_path: Path, scheme: str, numbers: tuple[int, ...]
) -> None:
    """Told the scheme they are right; not told, they are right or asked for, and never another level."""
    image = labels_of(plain, dict(zip(NUMBERS, numbers, strict=True)))
    path = written(image, tmp_path / "labels.nii.gz")
    plain.is_found_by(plain.read(ReadingOptions(given_scheme(scheme)), vertebrae=path))
    with suppress(InputError):
        plain.is_found_by(plain.read(vertebrae=path))


WORDS = "as spider (2 = L4) or vertebrae-mr (2 = L5); say which is right with --label-scheme"


def test_two_numberings_that_fit_are_both_named(plain: Plain, tmp_path: Path) -> None:
    """L5 alone as 2: L5 of vertebrae_mr, L4 of SPIDER."""
    path = written(labels_of(plain, {24: 2}), tmp_path / "labels.nii.gz")
    refused(
        plain,
        "as spider (2 = L4) or vertebrae-mr (2 = L5); say which is right with --label-scheme",
        vertebrae=path,
    )


@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.nrrd", "labels.mha"])
@pytest.mark.parametrize("blur", [-0.0001, 2e-6, 0.009])
def test_labels_a_little_off_whole_numbers(plain: Plain, tmp_path: Path, name: str, blur: float) -> None:
    image = labels_of(plain, {n: n + blur for n in NUMBERS}, np.float32)
    plain.is_found_by(plain.read(vertebrae=written(image, tmp_path / name)))


@pytest.mark.parametrize(
    "names",
    [
        ("vertebrae_L3.nii.gz", "vertebrae_L4.nii.gz", "vertebrae_L5.nii.gz"),
        ("L3.nrrd", "L4.nrrd", "L5.nrrd"),
        ("LWK3.mha", "lumbar_4.mha", "L5 vertebra.mha"),
    ],
)
def test_a_folder_of_masks(plain: Plain, tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, name in zip(NUMBERS, names, strict=True):
        written(labels_of(plain, {number: 1}, np.uint8), tmp_path / "masks" / name)
    plain.is_found_by(plain.read(vertebrae=tmp_path / "masks"))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({22: 1, 23: 1, 24: 1}, "holds 3 vertebral bodies in label 1"),
        ({22: 22, 23: 24, 24: 24}, "L5 holds 2 vertebral bodies"),
        ({22: 24, 23: 23, 24: 22}, "(T11, T12, L1)"),
        ({22: 20, 23: 22, 24: 24}, "leave no room for"),
        ({22: 1, 23: 2, 24: 3}, "C1 is too large"),
    ],
)
def test_labels_that_cannot_be(plain: Plain, tmp_path: Path, numbers: dict[int, float], words: str) -> None:
    refused(plain, words, vertebrae=written(labels_of(plain, numbers), tmp_path / "labels.nii.gz"))


def test_labels_of_a_mirrored_image(plain: Plain, tmp_path: Path) -> None:
    """The spine lies in the middle, so that mirrored labels overlap the right ones by nine tenths."""
    image = plain.case.vertebrae
    mirrored = Grid.of(image).image(sitk.GetArrayFromImage(image)[..., ::-1])
    refused(
        plain, "mirrored (left and right exchanged)", vertebrae=written(mirrored, tmp_path / "labels.nrrd")
    )


def centers_of(plain: Plain) -> dict[int, list[float]]:
    return {n: [float(x) for x in c] for n, c in (plain.case.mr_centroids or {}).items()}


def table(plain: Plain, folder: Path) -> Path:
    lines = [f"{vertebra_name(n)},{x!r},{y!r},{z!r}" for n, (x, y, z) in centers_of(plain).items()]
    (folder / "a.csv").write_text("label,x,y,z\n" + "\n".join(lines))
    return folder / "a.csv"


def tabs_in_ras(plain: Plain, folder: Path) -> Path:
    lines = [f"{vertebra_name(n)}\t{-x!r}\t{-y!r}\t{z!r}" for n, (x, y, z) in centers_of(plain).items()]
    (folder / "a.tsv").write_text("name\tr\ta\ts\n" + "\n".join(lines))
    return folder / "a.tsv"


def named_by_people(plain: Plain, folder: Path) -> Path:
    names = {22: "LWK3", 23: "L4 (edited)", 24: "L5-1"}
    content = {names[n]: center for n, center in centers_of(plain).items()}
    (folder / "a.json").write_text(json.dumps(content))
    return folder / "a.json"


def verse_centroids(plain: Plain, folder: Path) -> Path:
    grid = Grid.of(plain.case.mr)
    main = [int(np.argmax(np.abs(axis))) for axis in grid.axes.T]
    towards = [("RL", "AP", "IS")[m][int(axis[m] > 0)] for axis, m in zip(grid.axes.T, main, strict=True)]
    content: list[dict[str, object]] = [{"direction": towards}]
    for number, center in centers_of(plain).items():
        x, y, z = grid.to_indices(np.array(center)).tolist()
        content.append({"label": number, "X": x, "Y": y, "Z": z})
    (folder / "a.json").write_text(json.dumps(content))
    return folder / "a.json"


def global_pois(plain: Plain, folder: Path) -> Path:
    points = {vertebra_name(n): {"50": center} for n, center in centers_of(plain).items()}
    content = [{"coordinate_system": "itk", "format": "POI_GLOBAL"}, points]
    (folder / "a.json").write_text(json.dumps(content))
    return folder / "a.json"


@pytest.mark.parametrize("write", [table, tabs_in_ras, named_by_people, verse_centroids, global_pois])
def test_landmarks_of_other_programs(plain: Plain, tmp_path: Path, write: Callable) -> None:
    plain.is_found_by(plain.read(mr_landmarks=write(plain, tmp_path)))
