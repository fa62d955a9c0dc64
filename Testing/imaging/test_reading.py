import gzip

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.reading import read_image, read_scan


@pytest.fixture
def volume():
    image = sitk.GetImageFromArray(np.random.default_rng(1).integers(-1000, 2000, (9, 8, 7)).astype(np.int16))
    image.SetSpacing((0.5, 0.7, 3.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection((0, 0, -1, 1, 0, 0, 0, -1, 0))
    return image


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_formats_give_the_same_image(tmp_path, volume, name):
    sitk.WriteImage(volume, tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.GetPixelID() == sitk.sitkInt16
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(volume))
    for get in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(image, get)(), getattr(volume, get)(), atol=1e-5)


@pytest.mark.parametrize("pixel", [sitk.sitkUInt8, sitk.sitkFloat32, sitk.sitkFloat64, sitk.sitkUInt16])
def test_pixel_type_is_kept(tmp_path, pixel):
    sitk.WriteImage(sitk.Image([5, 5, 5], pixel), tmp_path / "a.nrrd")
    assert read_image(tmp_path / "a.nrrd").GetPixelID() == pixel


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd"])
def test_fourth_axis_of_one_is_dropped(tmp_path, name):
    sitk.WriteImage(sitk.Image([4, 5, 6, 1], sitk.sitkInt16), tmp_path / name)
    assert read_image(tmp_path / name).GetSize() == (4, 5, 6)


def fails(path, *words):
    with pytest.raises(InputError) as error:
        read_image(path)
    message = str(error.value)
    assert str(path) in message
    assert message.endswith(".")
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_missing(tmp_path):
    fails(tmp_path / "none.nii", "does not exist", "check the path")


@pytest.mark.parametrize("name", ["junk.nii.gz", "junk.txt", "junk.nrrd", "junk"])
def test_unknown_format(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello world")
    fails(tmp_path / name, "damaged or of unknown format", "give NIfTI")


def test_empty_file(tmp_path):
    (tmp_path / "a.nii").touch()
    fails(tmp_path / "a.nii", "is empty")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("share", [0.6, 0.98])
def test_truncated(tmp_path, volume, name, share, capfd):
    path = tmp_path / name
    sitk.WriteImage(volume, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    fails(path, "copy or export it again")


def test_several_gzip_members_are_complete(tmp_path, volume):
    path = tmp_path / "a.nii"
    sitk.WriteImage(volume, path)
    content = path.read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content[:700]) + gzip.compress(content[700:]))
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(read_image(tmp_path / "b.nii.gz")), sitk.GetArrayFromImage(volume)
    )


def test_two_dimensional(tmp_path):
    sitk.WriteImage(sitk.Image([5, 6], sitk.sitkInt16), tmp_path / "a.nrrd")
    fails(tmp_path / "a.nrrd", "2-D", "5×6", "give one 3-D volume")


def test_four_dimensional(tmp_path):
    sitk.WriteImage(sitk.Image([4, 5, 6, 3], sitk.sitkInt16), tmp_path / "a.nii.gz")
    fails(tmp_path / "a.nii.gz", "4-D", "4×5×6×3")


def test_vectors_and_colours(tmp_path):
    sitk.WriteImage(sitk.Image([4, 5, 6], sitk.sitkVectorUInt8, 3), tmp_path / "a.nrrd")
    fails(tmp_path / "a.nrrd", "colours or vectors", "3 values per voxel")


def test_complex(tmp_path):
    sitk.WriteImage(sitk.Image([4, 5, 6], sitk.sitkComplexFloat32), tmp_path / "a.nii.gz")
    fails(tmp_path / "a.nii.gz", "complex", "magnitude")


def test_itk_stays_quiet_and_its_switch_is_put_back(tmp_path, volume, capfd):
    volume.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1))
    sitk.WriteImage(volume, tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[252:256] = b"\0\0\0\0"  # no qform, no sform: ITK warns
    (tmp_path / "a.nii").write_bytes(data)
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    read_image(tmp_path / "a.nii")
    assert capfd.readouterr().err == ""
    assert sitk.ProcessObject.GetGlobalWarningDisplay() == before


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("a.nrrd", b"space: left-posterior-superior", b"space: " + b"x" * 100_000),
        ("a.nrrd", b"kinds: domain", b"kinds: " + b'{"a":' * 5000),
        ("a.mha", b"NDims = 3", b"NDims = 65536"),
        ("a.mha", b"NDims = 3", b"NDims = 255"),
    ],
)
def test_headers_that_crash_itk_are_refused_first(tmp_path, volume, name, right, wrong):
    path = tmp_path / name
    sitk.WriteImage(volume, path)
    content = path.read_bytes()
    assert right in content
    path.write_bytes(content.replace(right, wrong))
    with pytest.raises(InputError, match="has a damaged header"):
        read_image(path)


def test_long_keys_of_a_segmentation_are_no_damage(tmp_path, volume):
    volume.SetMetaData("Segment0_Tags", "TerminologyEntry:" + "~" * 9000)
    sitk.WriteImage(volume, tmp_path / "a.nrrd")
    assert read_image(tmp_path / "a.nrrd").GetSize() == volume.GetSize()


NRRD = "NRRD0004\ntype: short\ndimension: 3\n{}\nsizes: 7 6 5\nendian: little\nencoding: raw\n\n"
DIRECTIONS = "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (1,2,3)"


def nrrd(path, fields):
    path.write_bytes(NRRD.format(fields).encode() + bytes(2 * 7 * 6 * 5))
    return path


@pytest.mark.parametrize(
    "fields",
    ["spacings: 2 2 3", f"space: 3D-left-handed\n{DIRECTIONS}", f"space dimension: 3\n{DIRECTIONS}"],
)
def test_nrrd_that_does_not_name_the_sides_is_told(tmp_path, fields):
    (warning,) = read_scan(nrrd(tmp_path / "a.nrrd", fields)).warnings
    assert "does not say which side is left" in warning


@pytest.mark.parametrize("space", ["left-posterior-superior", "LPS", "RAS", "left-anterior-superior"])
@pytest.mark.parametrize("units", ["", '\nspace units: "mm" "mm" "mm"'])
def test_nrrd_that_names_the_sides_is_not(tmp_path, space, units):
    scan = read_scan(nrrd(tmp_path / "a.nrrd", f"space: {space}\n{DIRECTIONS}{units}"))
    assert scan.warnings == ()
    signs = {"L": 1, "R": -1, "P": 1, "A": -1}
    names = space.upper() if len(space) == 3 else "".join(word[0] for word in space.upper().split("-"))
    assert scan.image.GetOrigin() == (signs[names[0]] * 1, signs[names[1]] * 2, 3)


@pytest.mark.parametrize(
    "fields",
    [f'space: LPS\n{DIRECTIONS}\nspace units: "cm" "cm" "cm"', 'spacings: 2 2 3\nunits: "mm" "mm" "cm"'],
)
def test_nrrd_in_another_unit(tmp_path, fields):
    fails(nrrd(tmp_path / "a.nrrd", fields), '"cm"', "save it in mm")
