"""Patients from folders, errors at known points, and the kernel that every study shares."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from run_here import run_here
from spine_ctmr.command.phantom import SUBCOMMAND as phantom_command
from spine_ctmr.command.reporting import PlainReporter
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.truth import pose_errors
from spine_ctmr.evaluation.truth_points import read_truth_points
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.phantoms import phantom_files
from spine_ctmr.phantoms.phantom import PhantomOptions, make_phantom
from spine_ctmr.phantoms.phantom_files import write_phantom
from spine_ctmr.research.studies.benchmark.measures import measure
from spine_ctmr.research.studies.benchmark.problem import make_problem
from spine_ctmr.research.studies.cases import find_cases
from spine_ctmr.research.studies.kernel import FAILURE, Method, Patient, Row, run_study

SMALL = PhantomOptions(
    levels=(23, 24),
    mr_spacing_mm=(2.5, 2.5),
    ct_spacing_mm=(2.5, 2.5),
    margin_mm=14.0,
    truth_spacing_mm=3.0,
)
BESIDE_MM = np.array([1.0, 2.0, 2.0])


def _write_truth(path: Path, **changed: object) -> None:
    mr = np.arange(18.0).reshape(6, 3)
    arrays = {"mr_lps": mr, "ct_lps": mr + BESIDE_MM, "vertebra": np.array([23, 23, 24, 24, 0, 0])}
    np.savez(path, **{**arrays, **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
@slow_fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cases") / "someone"
    place.mkdir()
    write_phantom(make_phantom(46, SMALL), place)
    _write_truth(place / "truth_points.npz")
    return place.parent


def test_a_case_is_read_and_measured_at_its_true_points(folder: Path) -> None:
    """No motion takes the points 3 mm beside their true places, in bone as in soft tissue."""
    ((name, files),) = find_cases(folder).items()
    assert (name, find_cases(folder / name)) == ("someone", {name: files})
    subject = files.read()
    assert subject.truth is not None
    measures = measure(sitk.TranslationTransform(3), make_problem(subject.case, 8.0), subject.truth)
    assert measures.bone_mean == pytest.approx(3.0)
    assert measures.soft_mean == pytest.approx(3.0)
    assert pose_errors(subject.truth.bone, {24: Pose.identity()}) == {24: pytest.approx(3.0)}


@pytest.mark.slow
def test_what_the_command_phantom_writes_is_a_case_with_its_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The truth in the file is the phantom's own, found again from its seed."""
    monkeypatch.setattr(phantom_files, "DEMO_PATIENT", SMALL)
    phantom_command.run(Namespace(seed=3, output=tmp_path), PlainReporter())
    subject = find_cases(tmp_path)[tmp_path.name].read()
    phantom = make_phantom(3, SMALL)
    assert subject.truth is not None
    assert subject.case.mr_centroids is not None
    assert len(subject.truth.soft) > 1000
    assert np.allclose(phantom.mr_to_ct_points(subject.truth.soft.mr), subject.truth.soft.ct, atol=1e-6)
    for number, pairs in subject.truth.bone.items():
        assert np.allclose(phantom.poses[number].apply(pairs.ct), pairs.mr)
    assert subject.truth.bone.keys() == phantom.poses.keys()


def test_a_folder_without_cases_or_a_case_without_a_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no case"):
        find_cases(tmp_path)
    (tmp_path / "ct.nii.gz").touch()
    (tmp_path / "mr.nii.gz").touch()
    with pytest.raises(InputError, match="has no ct_labels"):
        find_cases(tmp_path)
    (tmp_path / "ct_labels.nii.gz").touch()
    with pytest.raises(InputError, match="has no mr_labels"):
        find_cases(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"vertebra": np.zeros(6, int)},
        {"vertebra": np.full(6, 24)},
        {"vertebra": np.array([24, 0])},
        {"ct_lps": np.full((6, 3), np.nan)},
        {"mr_lps": np.array([[{}]], dtype=object)},
    ],
)
def test_true_points_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    _write_truth(tmp_path / "truth_points.npz", **changed)
    with pytest.raises(InputError, match=r"truth_points.npz holds no"):
        read_truth_points(tmp_path / "truth_points.npz")


def test_the_cases_beside_the_repository_are_found(real_data: Path) -> None:
    elastic = find_cases(real_data / "elastic")
    assert list(elastic) == ["lumbar_T1", "lumbar_T2_bent", "lumbar_T2_bent_cut"]
    truth = read_truth_points(elastic["lumbar_T1"].truth or Path())
    assert list(truth.bone) == [20, 21, 22, 23, 24]
    assert (sum(map(len, truth.bone.values())), len(truth.soft)) == (12_000, 20_000)
    real = find_cases(real_data / "STS_007")["STS_007"]
    assert (real.truth, real.mr_vertebrae) == (None, real_data / "STS_007" / "mr_bodies.nii.gz")


def test_a_study_goes_on_where_it_stopped_and_tries_failures_again(tmp_path: Path) -> None:
    made: list[str] = []
    answers = {"steady": [{"mm": 1.0}], "shaky": [{FAILURE: "too few samples"}, {"mm": 2.0}]}
    published: list[Sequence[Row]] = []

    def publish(rows: Sequence[Row]) -> Path:
        published.append(list(rows))
        return tmp_path / "page.md"

    def study(names: Sequence[str]) -> None:
        patients = [Patient(n, lambda n=n: made.append(n) or n, "kind") for n in names]  # type: ignore[func-returns-value, misc]
        methods = [Method(n, n, lambda _, n=n: answers[n].pop(0)) for n in answers]  # type: ignore[misc]
        assert run_study(patients, methods, tmp_path, publish) == tmp_path / "page.md"

    study(["a"])
    assert [row.values for row in published[-1]] == [{"mm": 1.0}, {FAILURE: "too few samples"}]
    study(["a"])
    assert [row.values for row in published[-1]] == [{"mm": 1.0}, {"mm": 2.0}]
    study(["a"])
    assert made == ["a", "a"]
    answers["steady"], answers["shaky"] = [{"mm": 3.0}], [{"mm": 4.0}]
    study(["a", "b"])
    assert [(row.patient, row.method, row.values["mm"]) for row in published[-1]] == [
        ("a", "steady", 1.0),
        ("a", "shaky", 2.0),
        ("b", "steady", 3.0),
        ("b", "shaky", 4.0),
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--cases", "nowhere"], "'nowhere' does not exist; give a folder"),
        (["--cases", "."], "holds no case"),
        (["--kinds", "T9"], "kind 'T9': unknown"),
    ],
)
def test_the_command_refuses_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=complaint):
        run_here("accuracy", "--output", "a", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"patient": "a"}', b"\xff"])
def test_a_damaged_row_is_measured_again(tmp_path: Path, content: bytes) -> None:
    def study() -> list[float]:
        method = Method("m", "m", lambda _: {"mm": values.pop(0)})
        found: list[Row] = []
        run_study(
            [Patient("a", lambda: "a")], [method], tmp_path, lambda rows: found.extend(rows) or tmp_path
        )  # type: ignore[func-returns-value]
        return [row.values["mm"] for row in found]

    values = [1.0, 2.0]
    assert study() == [1.0]
    (tmp_path / "rows" / "a" / "m.json").write_bytes(content)
    assert study() == [2.0]
    assert study() == [2.0]
