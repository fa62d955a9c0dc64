"""The table of patients and the BIDS folder."""

from pathlib import Path

import pytest
from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.errors import InputError

TITLES = "case\tct\tmr\tvertebrae"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ct.nii", "mr.nii", "labels.nii", "centres.json"):
        (tmp_path / name).touch()
    return tmp_path


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "patients.tsv"
    path.write_text(text, encoding=encoding)
    return path


def test_paths_start_at_the_table_and_what_is_empty_is_left_out(folder: Path) -> None:
    rows = (
        f"{TITLES}\tmr_landmarks\tct_series\tvertebra_count",
        "a\tct.nii\tmr.nii\tlabels.nii\tcentres.json\tSpine 1.0\t5",
        "",
        f"b\t{folder / 'ct.nii'}\tmr.nii\tlabels.nii\tn/a",
    )
    first, second = read_patients(written(folder, "\r\n".join(rows), "utf-8-sig"))
    assert first.words == [
        *(str(folder / name) for name in ("ct.nii", "mr.nii")),
        *(f"--vertebrae={folder / 'labels.nii'}", f"--mr-landmarks={folder / 'centres.json'}"),
        "--ct-series=Spine 1.0",
    ]
    assert (first.vertebra_count, second.vertebra_count) == (5, None)
    assert second.words == [
        *(str(folder / n) for n in ("ct.nii", "mr.nii")),
        f"--vertebrae={folder / 'labels.nii'}",
    ]


ROW = "a\tct.nii\tmr.nii\tlabels.nii"
BAD = {
    "nothing": ("", "holds no patients"),
    "only titles": (TITLES, "holds no patients"),
    "commas": ("case,ct,mr,vertebrae\na,ct.nii,mr.nii,labels.nii", "line 1: there is only one column"),
    "missing column": ("case\tct\tmr\na\tct.nii\tmr.nii", "line 1: there is no column vertebrae"),
    "unknown column": (f"{TITLES}\tage\n{ROW}\t50", "line 1: there is no column 'age'"),
    "column twice": (f"{TITLES}\tct\n{ROW}\tct.nii", "line 1: the column 'ct' is there twice"),
    "missing cell": (f"{TITLES}\n{ROW}\n\nb\tct.nii\t\tlabels.nii", "line 4: there is no mr"),
    "too many cells": (f"{TITLES}\n{ROW}\tmore", "line 2: it has 5 cells under 4 titles"),
    "no such file": (
        f"{TITLES}\n{ROW}\nb\tgone.nii\tmr.nii\tlabels.nii",
        "line 3: the ct 'gone.nii' does not exist",
    ),
    "case twice": (f"{TITLES}\n{ROW}\nA\tct.nii\tmr.nii\tlabels.nii", "line 3: the case 'A' is there twice"),
    "case is a path": (f"{TITLES}\n../{ROW}", "line 2: the case '../a' cannot name a folder"),
    "both levels": (
        f"{TITLES}\tmr_landmarks\tmr_vertebrae\n{ROW}\tcentres.json\tlabels.nii",
        "line 2: mr_landmarks and mr_vertebrae are both given",
    ),
    "count": (
        f"{TITLES}\tvertebra_count\n{ROW}\tfive",
        "line 2: the vertebra_count 'five' is no whole number",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_one_sentence_with_the_line(folder: Path, name: str) -> None:
    text, problem = BAD[name]
    with pytest.raises(InputError) as caught:
        read_patients(written(folder, text))
    sentence = str(caught.value)
    assert problem in sentence
    assert "patients.tsv" in sentence
    assert sentence.endswith(".")
    assert sentence.count(";") == 1
    assert "\n" not in sentence


def test_a_table_in_another_encoding_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_patients(written(folder, f"{TITLES}\n{ROW}", "utf-16"))


def bids(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_subjects_of_a_bids_folder(tmp_path: Path) -> None:
    root = bids(
        tmp_path,
        "rawdata/sub-01/ct/sub-01_ct.nii.gz",
        "rawdata/sub-01/anat/sub-01_T2w.nii.gz",
        "derivatives/spine/sub-01/sub-01_seg-vert_msk.nii.gz",
        "rawdata/sub-02/ses-a/ct/sub-02_ses-a_ct.nii",
        "rawdata/sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz",
        "derivatives/spine/sub-02/ses-a/ct/sub-02_ses-a_dseg.nii.gz",
    )
    patients = read_patients(root)
    assert [patient.case for patient in patients] == ["sub-01", "sub-02"]
    assert [path.name for path in patients[1].files.values()] == [
        "sub-02_ses-a_ct.nii",
        "sub-02_ses-b_T1w.nii.gz",
        "sub-02_ses-a_dseg.nii.gz",
    ]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), "holds no subjects"),
        (("sub-#1/sub-#1_ct.nii.gz",), "The subject sub-#1 cannot name a folder of results; write a table"),
        (("sub-01/ct/sub-01_ct.nii.gz",), "The subject sub-01 has no MR"),
        (
            ("sub-01/ct/sub-01_ct.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T2w.nii.gz"),
            "sub-01 has more than one MR (sub-01_T1w.nii.gz, sub-01_T2w.nii.gz); write a table",
        ),
    ],
)
def test_a_bids_folder_that_leaves_a_choice_asks_for_a_table(
    tmp_path: Path, names: tuple, problem: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_patients(bids(tmp_path, *names))
    assert problem in str(caught.value)
