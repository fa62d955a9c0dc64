"""NIfTI as it comes: two placements, none, wrong names, version 2, values that are no numbers."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.nifti_bytes import image_of, nifti1, nifti2, ras_rows
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.image_checks import check_image
from spine_ctmr.imaging.reading import read_image, read_scan
from spine_ctmr.imaging.segmentation import read_vertebrae


def same(found, truth, places=1e-4):
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(truth))
    for index in ((0, 0, 0), (6, 7, 8), (6, 0, 3)):
        expected = truth.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(found.TransformIndexToPhysicalPoint(index), expected, atol=places)


def fails(path, *words, read=read_scan):
    with pytest.raises(InputError) as error:
        read(path)
    for word in (str(path), *words):
        assert word in str(error.value), error.value
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_as_itk_reads_it(tmp_path, name, dtype):
    truth = image_of(dtype)
    found = read_scan(nifti1(tmp_path / name, truth))
    same(found.image, truth)
    assert found.image.GetPixelID() == truth.GetPixelID()
    assert found.warnings == ()


@pytest.mark.parametrize("codes", [(1, 1), (0, 1), (1, 0), (0, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_placements_that_agree(tmp_path, codes, dtype):
    truth = image_of(dtype)
    found = read_scan(nifti1(tmp_path / "a.nii.gz", truth, *codes))
    same(found.image, truth)
    assert found.warnings == ()


@pytest.mark.parametrize("codes", [(1, 2), (1, 1), (2, 4)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("read", [read_scan, read_vertebrae])
def test_placements_far_apart(tmp_path, codes, dtype, read):
    truth = image_of(dtype)
    rows = ras_rows(truth)
    rows[:, 3] += (-7.0, 5.0, 11.0)
    path = nifti1(tmp_path / "a.nii.gz", truth, *codes, sform_rows=rows)
    fails(path, "sform", "qform", "14.0 mm", read=read)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_placements_a_little_apart_are_told(tmp_path, dtype):
    truth = image_of(dtype)
    rows = ras_rows(truth)
    rows[0, 3] += 0.4
    found = read_scan(nifti1(tmp_path / "a.nii", truth, 1, 2, sform_rows=rows))
    same(found.image, truth)
    assert len(found.warnings) == 1
    assert "0.4 mm" in found.warnings[0]
    assert "the qform is used" in found.warnings[0]


@pytest.mark.parametrize("codes", [(1, 1), (1, 2), (0, 1), (0, 2)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_shear_is_not_dropped(tmp_path, codes, dtype):
    rows = ras_rows(image_of())
    rows[:, 1] += 0.3 * rows[:, 0]
    path = nifti1(tmp_path / "a.nii", image_of(dtype), *codes, sform_rows=rows)
    fails(path, "sheared sform" if codes[0] else "not at right angles")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_no_placement_is_told(tmp_path, dtype):
    found = read_scan(nifti1(tmp_path / "a.nii.gz", image_of(dtype), 0, 0))
    assert len(found.warnings) == 1
    assert "which side is left" in found.warnings[0]
    np.testing.assert_allclose(found.image.GetSpacing(), (1, 1.5, 2))


@pytest.mark.parametrize("codes", [(1, 1), (0, 1), (0, 0)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_spacing_is_not_invented(tmp_path, codes, dtype):
    path = nifti1(tmp_path / "a.nii", image_of(dtype), *codes, pixdim=(0, 0, 0))
    fails(path, "no voxel spacing" if codes == (0, 0) else "")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("form", ["qform", "sform", "voxel spacing"])
def test_a_place_that_is_no_number(tmp_path, dtype, form, capfd):
    image = image_of(dtype)
    rows = ras_rows(image)
    rows[1, 3] = np.nan
    spoilt = {"sform": {"sform_rows": rows}, "voxel spacing": {"pixdim": (1.0, np.nan, 2.0)}}.get(form, {})
    path = nifti1(tmp_path / "a.nii", image, 1, 1, **spoilt)
    if form == "qform":
        data = bytearray(path.read_bytes())
        struct.pack_into("<f", data, 268, np.nan)
        path.write_bytes(data)
    fails(path, f"{form} that is no number (NaN)")
    assert capfd.readouterr() == ("", "")


def test_spacing_that_the_sform_contradicts(tmp_path):
    fails(nifti1(tmp_path / "a.nii", image_of(), 0, 1, pixdim=(1, 1, 1)), "sform", "voxel spacing (pixdim)")


@pytest.mark.parametrize("header", ["nrrd", "mha"])
def test_spacing_is_not_invented_in_other_formats(tmp_path, header):
    path = tmp_path / f"a.{header}"
    sitk.WriteImage(image_of(), path)
    content = path.read_bytes()
    drop = {"nrrd": b"space directions:", "mha": b"ElementSpacing"}[header]
    start = content.index(drop)
    path.write_bytes(content[:start] + content[content.index(b"\n", start) + 1 :])
    fails(path, "no voxel spacing")


@pytest.mark.parametrize(
    ("dtype", "code"), [(np.int16, 4), (np.uint8, 2), (np.float32, 16), (np.float64, 64)]
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_version_2(tmp_path, dtype, code, name, order):
    truth = image_of(dtype)
    found = read_scan(nifti2(tmp_path / name, truth, code, order=order))
    same(found.image, truth)
    assert found.warnings == ()


def test_scaled_values_of_version_2(tmp_path):
    truth = image_of(np.int16)
    found = read_image(nifti2(tmp_path / "a.nii", truth, 4, slope=(0.5, -3)))
    np.testing.assert_allclose(sitk.GetArrayFromImage(found), 0.5 * sitk.GetArrayFromImage(truth) - 3)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_scaled_values_as_itk_scales_them(tmp_path, dtype):
    path = nifti1(tmp_path / "a.nii", image_of(dtype), slope=(2.5, 7))
    truth = sitk.GetArrayFromImage(sitk.ReadImage(path))
    np.testing.assert_allclose(sitk.GetArrayFromImage(read_image(path)), truth, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize(("slope", "factor"), [((np.nan, np.nan), 1), ((np.inf, 0), 1), ((2, np.nan), 2)])
def test_a_scale_that_is_no_number_counts_for_nothing(tmp_path, dtype, slope, factor):
    """nibabel writes NaN for "not scaled"."""
    truth = image_of(dtype)
    found = read_image(nifti1(tmp_path / "a.nii", truth, slope=slope))
    np.testing.assert_allclose(sitk.GetArrayFromImage(found), factor * sitk.GetArrayFromImage(truth))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_name_that_hides_the_packing(tmp_path, dtype):
    truth = image_of(dtype)
    plain = nifti1(tmp_path / "a.nii", truth).read_bytes()
    (tmp_path / "unzipped.nii.gz").write_bytes(plain)
    (tmp_path / "zipped.nii").write_bytes(gzip.compress(plain))
    same(read_image(tmp_path / "unzipped.nii.gz"), truth)
    same(read_image(tmp_path / "zipped.nii"), truth)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_half_a_file_of_version_2(tmp_path, name):
    path = nifti2(tmp_path / name, image_of(), 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    fails(path, "incomplete")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "b.nrrd"])
def test_values_that_are_no_numbers_reach_the_checks(tmp_path, value, name):
    """ITK makes them 0 in NIfTI."""
    values = sitk.GetArrayFromImage(image_of(np.float32))
    values[2, 3, 4] = values[0, 0, 0] = value
    image = sitk.GetImageFromArray(np.tile(values, (2, 2, 2)))
    sitk.WriteImage(image, tmp_path / name)
    found = read_image(tmp_path / name)
    with pytest.raises(InputError, match="16 voxels that are NaN or infinite"):
        check_image(found, "the MR")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_the_file_that_was_given_is_read_and_not_its_twin(tmp_path, dtype):
    """ITK takes the voxels of a.nii.gz from an a.nii beside it."""
    truth = image_of(dtype)
    path = nifti1(tmp_path / "a.nii.gz", truth)
    nifti1(tmp_path / "a.nii", truth + 7)
    same(read_image(path), truth)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_checksum_that_fails(tmp_path, dtype):
    path = nifti1(tmp_path / "a.nii.gz", image_of(dtype))
    packed = bytearray(path.read_bytes())
    packed[-8] ^= 0x55  # of the checksum: the voxels are as they were
    path.write_bytes(packed)
    fails(path, "damaged", "checksum")
    whole = gzip.decompress(nifti1(tmp_path / "b.nii.gz", image_of(dtype)).read_bytes())
    packed = bytearray(gzip.compress(whole))
    packed[len(packed) // 2] ^= 0x55
    path.write_bytes(packed)
    fails(path, "copy or export it again")


def test_bytes_behind_a_sound_gzip_do_not_matter(tmp_path):
    truth = image_of()
    path = nifti1(tmp_path / "a.nii.gz", truth)
    path.write_bytes(path.read_bytes() + b"fifteen strange")
    same(read_image(path), truth)


@pytest.mark.parametrize("size", [997, 65536 - 37])
def test_a_gzip_of_many_members(tmp_path, size):
    """As programs write that pack on several cores."""
    rng = np.random.default_rng(1)
    truth = sitk.GetImageFromArray(rng.integers(-1000, 1000, (30, 40, 50)).astype(np.int16))
    path = nifti1(tmp_path / "a.nii", truth)
    plain = path.read_bytes()
    members = [gzip.compress(plain[i : i + size]) for i in range(0, len(plain), size)]
    packed = tmp_path / "b.nii.gz"
    packed.write_bytes(b"".join(members))
    same(read_image(packed), read_image(path))
    packed.write_bytes(b"".join(members[:-1]))
    fails(packed, "incomplete")


@pytest.mark.parametrize("name", ["a.hdr", "a.img", "a.img.gz"])
def test_half_of_a_pair_is_refused(tmp_path, name):
    sitk.WriteImage(image_of(), tmp_path / "a.hdr")
    (tmp_path / "a.img.gz").touch()
    fails(tmp_path / name, "pair of files", ".nii.gz")
