"""Which numbering a label map follows, on stacks of boxes with the sizes of vertebrae."""

import os
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.read_spines import labelled, read, refused
from imaging.spines import SPACING_MM, save, spine
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.given_scheme import given_scheme
from spine_ctmr.imaging.label_schemes import BY_NAME
from spine_ctmr.imaging.numbering import recognised
from spine_ctmr.imaging.segmentation import read_vertebrae
from spine_ctmr.imaging.vertebra_names import vertebra_name

LUMBAR = ["L1", "L2", "L3", "L4", "L5"]
CERVICAL = ["C2", "C3", "C4", "C5", "C6", "C7", "T1"]
THORACIC = ["T4", "T5", "T6", "T7", "T8", "T9"]


@pytest.mark.parametrize("levels", [LUMBAR, CERVICAL, THORACIC, [*LUMBAR, "S1"], ["L3"], ["T6"]])
def test_verse_is_taken_without_a_word(tmp_path, levels):
    names = labelled("verse", levels)
    found, warnings = read(tmp_path / "a.nii.gz", spine(names))
    assert found == names
    assert warnings == () or len(levels) == 1


@pytest.mark.parametrize("levels", [LUMBAR, CERVICAL, [*LUMBAR, "S1"], ["T11", "T12", "L1"]])
@pytest.mark.parametrize("scheme", ["totalsegmentator", "totalsegmentator-v1", "totalspineseg"])
def test_other_programs_are_recognised_and_told(tmp_path, scheme, levels):
    names = labelled(scheme, levels)
    found, warnings = read(tmp_path / "a.nrrd", spine(names))
    assert found == names
    assert BY_NAME[scheme].title in warnings[0]
    assert f"{next(iter(names))} = {levels[0]}" in warnings[0]


def test_totalspineseg_with_cord_canal_and_discs(tmp_path):
    names = labelled("totalspineseg", CERVICAL)
    array = spine(names)
    array[10:-10, :4, :4], array[10:-10, 5:8, :4] = 1, 2
    array[40:44, :4, 10:14] = 64
    found, warnings = read(tmp_path / "a.nii.gz", array)
    assert found == names
    assert "1, 2, 64 are not vertebrae" in warnings[-1]


def test_whole_body_of_totalsegmentator_2(tmp_path):
    """With the sacrum in two parts, 26 on top."""
    names = labelled("totalsegmentator", LUMBAR) | {26: "S1", 25: "S1"}
    array = spine(dict(zip(names, [*LUMBAR, "L6", "S1"], strict=True)))
    for organ in (*range(1, 15), 51, 52, 79):
        array[organ : organ + 8, :8, :8] = organ
    found, warnings = read(tmp_path / "a.nii.gz", array)
    assert found == names
    assert "TotalSegmentator 2" in warnings[0]


def test_spider_with_its_canal_and_discs(tmp_path):
    names = labelled("spider", ["T12", *LUMBAR])
    array = spine(names)
    array[10:-10, :4, :4], array[30:34, :4, 10:14] = 100, 201
    found, warnings = read(tmp_path / "a.mha", array)
    assert found == names
    assert "SPIDER" in warnings[0]


def test_vertebrae_mr_with_a_whole_sacrum(tmp_path):
    names = labelled("vertebrae-mr", [*LUMBAR, "S1"])
    found, warnings = read(tmp_path / "a.nii.gz", spine(names))
    assert found == names
    assert "vertebrae_mr" in warnings[0]


def test_spineps_instances_are_counted_up_from_the_sacrum(tmp_path):
    names = {1: "T12", 2: "L1", 3: "L2", 4: "L3", 5: "L4", 6: "L5", 26: "S1"}
    array = spine(names)
    array[30:34, :4, 10:14] = 101
    found, warnings = read(tmp_path / "a.nii.gz", array)
    assert found == names
    assert "counted up from the sacrum" in warnings[0]


def test_spineps_instances_above_a_sacrum_that_they_do_not_reach(tmp_path):
    array = spine({1: "L2", 2: "L3", 3: "L4", 4: "L5", 26: "S1"})
    array[np.isin(array, [3, 4])] = 0
    refused(save(tmp_path / "a.nii.gz", array), "L5 and S1 leave room for another vertebra")


@pytest.mark.parametrize("levels", [["L3", "L4", "L5"], ["T9", "T10", "T11", "T12"], LUMBAR])
def test_spineps_instances_without_a_sacrum_are_not_c1_to_c3(tmp_path, levels):
    array = spine(dict(enumerate(levels, 1)))
    refused(save(tmp_path / "a.nii.gz", array), "a.nii.gz", "--label-scheme 1=L1,2=L2")


def test_two_numberings_fit(tmp_path):
    array = spine(labelled("vertebrae-mr", ["L3", "L4", "L5"]))
    path = save(tmp_path / "a.nii.gz", array)
    refused(
        path, "vertebrae-mr (2 = L5, 3 = L4, 4 = L3)", "spider (2 = L4, 3 = L3, 4 = L2)", "--label-scheme"
    )
    for scheme in ("vertebrae-mr", "spider"):
        found, _ = read(path, array, BY_NAME[scheme])
        assert found == {n: vertebra_name(BY_NAME[scheme].numbers[n]) for n in (2, 3, 4)}


def test_labels_that_could_be_another_region_are_asked_about(tmp_path):
    """T4 to T6 by VerSe, but with the sizes of C1 to C3, as TotalSpineSeg numbers them."""
    path = save(tmp_path / "a.nii.gz", spine({11: "C", 12: "C", 13: "C", 14: "C"}))
    refused(path, "verse (11 = T4", "totalspineseg (11 = C1")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({20: "L", 28: "L", 19: "L"}, ["T12, T13, L1 run from tail to head"]),
        ({20: "L", 22: "L", 21: "L"}, ["L2 lies below L3"]),
        ({17: "T", 22: "L"}, ["may be totalspineseg (17 = C7, 22 = T2)", "not sure"]),
        ({7: "C", 26: "S"}, ["C7 and S1 leave no room"]),
        ({1: "L"}, ["may be spider (1 = L5)", "not sure"]),
        ({2: "L", 3: "L"}, ["C2 is too large", "12 are usual"]),
        ({16: "L", 17: "L", 21: "L"}, ["T10 and L2", "as totalspineseg, C6 is too large"]),
        ({20: "L", 99: "L"}, ["labels 99", "--label-scheme verse"]),
        ({60: "L", 61: "L"}, ["none is a vertebra"]),
    ],
)
def test_what_cannot_be(tmp_path, labels, words):
    refused(save(tmp_path / "a.nii.gz", spine(labels)), *words)


def test_numbers_from_tail_to_head_are_refused_even_if_asked_for(tmp_path):
    path = save(tmp_path / "a.nii.gz", spine({24: "L", 23: "L", 22: "L"}))
    refused(path, "VerSe: L3, L4, L5 run from tail to head", scheme=BY_NAME["verse"])


def test_a_skipped_vertebra(tmp_path):
    array = spine({20: "L", 21: "L", 22: "L"})
    array[array == 21] = 0
    array[array == 22] = 21
    refused(save(tmp_path / "a.nii.gz", array), "L1 and L2 leave room for another vertebra")


@pytest.mark.parametrize("variant", [{17: "T10", 18: "T11", 20: "L1"}, {22: "L3", 23: "L4", 26: "S1"}])
def test_a_spine_with_a_vertebra_less(tmp_path, variant):
    assert read(tmp_path / "a.nii.gz", spine(variant)) == (variant, ())


@pytest.mark.parametrize("value", [1, 20, 255])
def test_one_mask_of_all_vertebrae(tmp_path, value):
    array = spine({20: "L", 21: "L", 22: "L"})
    refused(save(tmp_path / "a.nii.gz", np.where(array, value, 0)), "vertebra", "label")
    if value != 255:
        refused(
            save(tmp_path / "b.nii.gz", np.where(array, value, 0)), f"3 vertebral bodies in label {value}"
        )


def test_two_vertebrae_under_one_number(tmp_path):
    array = spine({20: "L", 21: "L", 22: "L", 23: "L"})
    refused(save(tmp_path / "a.nii.gz", np.where(array == 22, 21, array)), "L2 holds 2 vertebral bodies")


@pytest.mark.parametrize("size", [0.8, 1.15])
def test_small_and_tall_patients_are_not_asked(tmp_path, size):
    names = labelled("verse", ["T10", "T11", "T12", "L1", "L2"])
    assert read(tmp_path / "a.nii.gz", spine(names, size)) == (names, ())


def test_given_levels(tmp_path):
    names = {1: "L3", 2: "L4", 3: "L5"}
    array = spine(names)
    array[:6, :6, :6] = 9
    scheme = BY_NAME["spider"]
    refused(save(tmp_path / "a.nii.gz", spine(names)), "L3, L4, L5 run from tail to head", scheme=scheme)
    found, warnings = read(tmp_path / "a.nii.gz", array, given_scheme("1=L3,2=L4,3=L5"))
    assert found == names
    assert "9 are not vertebrae" in warnings[-1]


@pytest.mark.parametrize("scheme", ["verse", "totalsegmentator", "totalsegmentator-v1", "totalspineseg"])
def test_real_labels_renumbered(real_data, tmp_path, scheme):
    image = sitk.ReadImage(real_data / "verse014" / "sub-verse014_seg-vert_msk.nii.gz")
    numbers = {n: label for label, n in BY_NAME[scheme].numbers.items()}
    sitk.WriteImage(sitk.ChangeLabel(image, {n: numbers[n] for n in range(20, 25)}), tmp_path / "a.nii.gz")
    found = read_vertebrae(tmp_path / "a.nii.gz").image
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(image))


@pytest.mark.parametrize("scheme", ["vertebrae-mr", "spider", "mrspineseg"])
def test_real_labels_that_fit_several_schemes(real_data, tmp_path, scheme):
    image = sitk.ReadImage(real_data / "verse014" / "sub-verse014_seg-vert_msk.nii.gz")
    numbers = {n: label for label, n in BY_NAME[scheme].numbers.items() if label < 100}
    sitk.WriteImage(sitk.ChangeLabel(image, {n: numbers[n] for n in range(20, 25)}), tmp_path / "a.nii.gz")
    refused(tmp_path / "a.nii.gz", "vertebrae-mr", "spider", "say which is right")
    found = read_vertebrae(tmp_path / "a.nii.gz", BY_NAME[scheme]).image
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(image))


def test_the_panel_is_told_what_numbers_mean_without_scipy():
    """3D Slicer may not have it before the first registration."""
    code = """
import sys
sys.modules["scipy"] = None
import numpy as np
from imaging.spines import spine
from spine_ctmr.imaging.numbering import recognised
to_lps = np.diag([2.0, 2.0, 2.0, 1.0])
found = recognised(spine({41: "L1", 42: "L2"}), to_lps, [41, 42], "it", "a choice")
print(found.taken, found.previews(), dict(found.levels))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.stdout.strip() == ("TotalSpineSeg {'TotalSpineSeg': '41 = L1 … 42 = L2'} {41: 20, 42: 21}"), (
        done.stderr
    )


@pytest.mark.parametrize("fine", [1, 3])
def test_the_panel_looks_at_every_few_voxels_and_sees_the_same(fine):
    """Left-handed and with the head along y, as Slicer may hold it."""
    array = spine({21: "T", 22: "T"}).repeat(fine, 0).repeat(fine, 1).repeat(fine, 2)
    step = SPACING_MM / fine
    to_lps = np.array([[-step, 0, 0, 50], [0, 0, step, 7], [0, step, 0, -3], [0, 0, 0, 1.0]])
    found = recognised(np.moveaxis(array, 0, 1), to_lps, [21, 22], "it", "a choice")
    assert dict(found.choices) == {"VerSe": {21: 21, 22: 22}, "TotalSpineSeg": {21: 8, 22: 9}}
    assert not found.taken
    assert found.problem.endswith("; say with a choice what they mean.")


def test_a_label_is_said_once():
    with pytest.raises(InputError, match="names label 22 twice"):
        given_scheme("22=L3,22=L4")
