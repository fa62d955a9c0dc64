"""NIfTI as programs write it: the plain poses, or a sentence that says why not."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.nifti_bytes import nifti1, nifti2, ras_rows
from spine_ctmr.geometry.grid import Grid

from .plain import Plain, refused, written


def unpacked_but_called_gz(image: sitk.Image, folder: Path) -> Path:
    return (folder / "a.nii").rename(folder / "b.nii.gz") if written(image, folder / "a.nii") else folder


def packed_but_called_nii(image: sitk.Image, folder: Path) -> Path:
    path = folder / "b.nii"
    path.write_bytes(gzip.compress(written(image, folder / "a.nii").read_bytes()))
    return path


def version_2(image: sitk.Image, folder: Path) -> Path:
    return nifti2(folder / "a.nii.gz", image, 4)


def version_2_of_the_other_byte_order(image: sitk.Image, folder: Path) -> Path:
    return nifti2(folder / "a.nii", image, 4, order=">")


def sform_alone(image: sitk.Image, folder: Path) -> Path:
    return nifti1(folder / "a.nii.gz", image, qform=0, sform=2)


def scaled_by_its_header(image: sitk.Image, folder: Path) -> Path:
    stored = Grid.of(image).image((sitk.GetArrayFromImage(image).astype(np.int32) * 2).astype(np.int32))
    return nifti1(folder / "a.nii.gz", stored, slope=(0.5, 0.0))


def one_volume_in_four_axes(image: sitk.Image, folder: Path) -> Path:
    return written(sitk.JoinSeries([image]), folder / "a.nii.gz")


def doubles(image: sitk.Image, folder: Path) -> Path:
    return written(sitk.Cast(image, sitk.sitkFloat64), folder / "a.nrrd")


NIFTI = [
    *(unpacked_but_called_gz, packed_but_called_nii, version_2, version_2_of_the_other_byte_order),
    *(sform_alone, scaled_by_its_header, one_volume_in_four_axes, doubles),
]


@pytest.mark.parametrize("write", NIFTI)
def test_a_ct_however_it_is_packed(plain: Plain, tmp_path: Path, write: Callable) -> None:
    case = plain.read(ct=write(plain.case.ct, tmp_path))
    plain.is_found_by(case)
    assert case.warnings == ()


def test_a_file_without_placement_is_told(plain: Plain, tmp_path: Path) -> None:
    ct = nifti1(tmp_path / "ct.nii.gz", plain.case.ct, 0, 0)
    case = plain.read(ct=ct, vertebrae=nifti1(tmp_path / "labels.nii.gz", plain.case.vertebrae, 0, 0))
    assert any("does not say where it lies or which side is left" in warning for warning in case.warnings)


def moved_sform(image: sitk.Image, folder: Path) -> Path:
    rows = ras_rows(image)
    rows[:, 3] += (4.0, -3.0, 12.0)
    return nifti1(folder / "a.nii.gz", image, 1, 2, sform_rows=rows)


def sheared_sform(image: sitk.Image, folder: Path) -> Path:
    rows = ras_rows(image)
    rows[0, 2] += 0.2
    return nifti1(folder / "a.nii.gz", image, 0, 1, sform_rows=rows)


def with_nan(image: sitk.Image, folder: Path, count: int = 7) -> Path:
    array = sitk.GetArrayFromImage(image).astype(np.float32)
    array.flat[100 : 100 + count] = np.nan
    return written(Grid.of(image).image(array), folder / "a.nii.gz")


def cut_off(image: sitk.Image, folder: Path) -> Path:
    path = written(image, folder / "a.nii.gz")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


@pytest.mark.parametrize("which", ["ct", "mr"])
@pytest.mark.parametrize(
    ("write", "words"),
    [
        (moved_sform, "places it up to 13.0 mm from its qform; save it with one placement"),
        (sheared_sform, "right angles"),
        (with_nan, "7 voxels that are NaN or infinite; replace them"),
        (cut_off, "incomplete (truncated); copy or export it again"),
    ],
)
def test_an_image_that_cannot_be_trusted(
    plain: Plain, tmp_path: Path, which: str, write: Callable, words: str
) -> None:
    refused(plain, words, **{which: write(getattr(plain.case, which), tmp_path)})
