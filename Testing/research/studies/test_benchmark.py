"""The benchmark: its figures against figures computed apart, and methods that are missing or fail."""

from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from research.studies import method_standins as standins
from run_here import run_here
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.truth_points import phantom_truth
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom
from spine_ctmr.research.studies.benchmark import summary
from spine_ctmr.research.studies.benchmark.child import Cost
from spine_ctmr.research.studies.benchmark.methods import ENGINE, METHODS, Peer, find_methods
from spine_ctmr.research.studies.benchmark.patients import ACCURACY, Entry, phantoms
from spine_ctmr.research.studies.benchmark.problem import make_problem
from spine_ctmr.research.studies.benchmark.report import write_report
from spine_ctmr.research.studies.benchmark.rows import BenchmarkRow
from spine_ctmr.research.studies.benchmark.run import Terms, run_benchmark
from spine_ctmr.research.studies.cases import Subject
from spine_ctmr.research.studies.kernel import Patient

SMALL = PhantomOptions(
    levels=(23, 24),
    mr_spacing_mm=(2.0, 2.0),
    ct_spacing_mm=(2.0, 2.0),
    margin_mm=16.0,
    truth_spacing_mm=2.0,
)
TERMS = Terms(threads=2, limit_s=300.0)
BY_NAME = {method.name: method for method in METHODS}
STANDINS = [
    Peer("shifted", "3 mm beside", standins.shifted),
    Peer("stretched", "10 % longer", standins.stretched),
    Peer("counted", "counted", standins.counted, most_threads=1),
    Peer("crashing", "crashing", standins.crashing),
    Peer("failing", "failing", standins.failing),
    Peer("absent", "absent", standins.counted, "no-such-registration-package"),
]


@pytest.fixture(scope="module")
@slow_fixture
def phantom() -> Phantom:
    return make_phantom(45, SMALL)


@pytest.fixture(scope="module")
def patient(phantom: Phantom) -> Patient[Entry]:
    entry = Entry(Subject(phantom.case, phantom_truth(phantom)), ACCURACY, margin_mm=10.0)
    return Patient("small", lambda: entry, "2 mm")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls") / "calls.txt"


@pytest.fixture(autouse=True)
def _children_find_the_standins(monkeypatch: pytest.MonkeyPatch, calls: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(standins.__file__).parents[2]), prepend=":")
    monkeypatch.setenv(standins.CALLS, str(calls))


@pytest.fixture(scope="module")
@slow_fixture
def finished(
    patient: Patient[Entry], calls: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, dict[str, str]]]:
    """The output of the engine, a peer that needs no package, the start and the stand-ins."""
    output = tmp_path_factory.mktemp("benchmark")
    methods = [ENGINE, BY_NAME["rigid-start"], BY_NAME["per-vertebra-mi"], *STANDINS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(standins.__file__).parents[2]), prepend=":")
        patch.setenv(standins.CALLS, str(calls))
        run_benchmark([patient], methods, TERMS, output)
    with (output / "benchmark.csv").open(newline="") as stream:
        return output, {row["method"]: row for row in csv.DictReader(stream)}


Finished = tuple[Path, dict[str, dict[str, str]]]


def test_the_starts_errors_are_those_of_its_matrix(finished: Finished, phantom: Phantom) -> None:
    row = finished[1]["rigid-start"]
    labels = phantom.case.vertebrae
    start = make_problem(phantom.case, 10.0).start
    means = []
    for number, pose in phantom.poses.items():
        voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == number)[:, ::-1]
        points = [labels.TransformIndexToPhysicalPoint(v.tolist()) for v in voxels]
        apart = start.apply(points) - pose.apply(points)
        means.append(np.linalg.norm(apart, axis=1).mean())
    assert float(row["bone_mean"]) == pytest.approx(np.mean(means), rel=0.03)
    assert float(row["bone_worst"]) == pytest.approx(max(means), rel=0.03)
    assert float(row["rigid_deviation"]) < 1e-3
    assert row["folds"] == "0"


def test_known_motions_have_their_known_figures(finished: Finished, phantom: Phantom) -> None:
    shifted, stretched = finished[1]["shifted"], finished[1]["stretched"]
    start = make_problem(phantom.case, 10.0).start
    labels = phantom.case.vertebrae
    points, errors = [], []
    for number, pose in phantom.poses.items():
        voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == number)[:, ::-1]
        points.append(np.array([labels.TransformIndexToPhysicalPoint(v.tolist()) for v in voxels]))
        moved = pose.apply(points[-1]) + np.array([0.0, 3.0, 0.0])
        taken = start.inverse.apply(moved)
        errors.append(np.linalg.norm(taken - points[-1], axis=1).mean())
    assert float(shifted["bone_mean"]) == pytest.approx(np.mean(errors), rel=0.03)
    assert float(shifted["rigid_deviation"]) < 1e-3
    heights = [np.std(start.apply(p)[:, 2]) for p in points]  # the stretch is along the MR's z axis
    assert float(stretched["rigid_deviation"]) == pytest.approx(0.1 / 1.1 * max(heights), rel=0.15)
    assert stretched["folds"] == "0"


def test_the_engine_and_the_peer_beat_the_start(finished: Finished) -> None:
    rows = finished[1]
    start = float(rows["rigid-start"]["bone_mean"])
    assert float(rows["spine-ctmr"]["bone_mean"]) < 0.5 * start
    assert float(rows["per-vertebra-mi"]["bone_mean"]) < 0.7 * start
    assert float(rows["spine-ctmr"]["rigid_deviation"]) < 0.1 * float(rows["stretched"]["rigid_deviation"])
    assert float(rows["spine-ctmr"]["soft_mean"]) < float(rows["rigid-start"]["soft_mean"])


def test_costs_are_the_methods_own(finished: Finished, calls: Path) -> None:
    rows = finished[1]
    assert 0.3 <= float(rows["counted"]["cpu_s"]) < 1.0
    assert float(rows["counted"]["wall_s"]) >= 0.3
    assert float(rows["spine-ctmr"]["memory_mb"]) > float(rows["rigid-start"]["memory_mb"]) > 50
    assert calls.read_text() == "1 1\n"
    assert (rows["counted"]["threads"], rows["shifted"]["threads"]) == ("1", "2")


def test_the_page_has_a_line_per_method_with_ratios_to_the_engine(finished: Finished) -> None:
    output, rows = finished
    page = (output / "benchmark.md").read_text()
    table = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ") for line in page.splitlines()}
    ratio = float(rows["per-vertebra-mi"]["cpu_s"]) / float(rows["spine-ctmr"]["cpu_s"])
    columns, peer = table["method"], table[BY_NAME["per-vertebra-mi"].title]
    assert float(peer[columns.index("CPU ratio")]) == pytest.approx(ratio, rel=0.01)
    assert float(peer[columns.index("bone")]) == pytest.approx(
        float(rows["per-vertebra-mi"]["bone_mean"]), abs=0.0006
    )
    assert table[ENGINE.title][columns.index("CPU ratio")] == "1"
    assert "1 phantom with 2 vertebrae" in page
    assert "## Phantoms with known truth: 2 mm" in page
    assert (output / "benchmark.png").stat().st_size > 10_000
    assert len(json.loads((output / "benchmark.json").read_text())["rows"]) == len(rows)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_failures_and_missing_packages_are_told_and_harm_nobody(finished: Finished) -> None:
    page = (finished[0] / "benchmark.md").read_text()
    assert "- crashing on small: crashed (SIGSEGV)." in page
    assert "- failing on small: ValueError: too few samples." in page
    assert "- absent: skipped, because the package no-such-registration-package is not installed." in page
    assert "absent" not in finished[1]
    assert not list(finished[0].glob(".problem-*"))


@pytest.mark.slow
def test_a_second_run_repeats_only_failures(finished: Finished, patient: Patient[Entry], calls: Path) -> None:
    output, rows = finished
    mended = Peer("failing", "failing", standins.shifted)
    methods = [ENGINE, BY_NAME["rigid-start"], *STANDINS[:3], mended]
    run_benchmark([patient], methods, TERMS, output)
    assert calls.read_text() == "1 1\n"
    with (output / "benchmark.csv").open(newline="") as stream:
        again = {row["method"]: row for row in csv.DictReader(stream)}
    assert again["spine-ctmr"] == rows["spine-ctmr"]
    assert again["failing"]["failure"] == ""
    assert again["failing"]["bone_mean"] == again["shifted"]["bone_mean"]
    with pytest.raises(InputError, match="other threads"):
        run_benchmark([patient], methods, replace(TERMS, threads=1), output)


def test_a_method_that_takes_too_long_is_ended(patient: Patient[Entry], tmp_path: Path) -> None:
    sleeping = Peer("sleeping", "sleeping", standins.sleeping)
    page = run_benchmark([patient], [sleeping], Terms(1, limit_s=1.2), tmp_path).read_text()
    assert "- sleeping on small: ended after 0.02 minutes without a result." in page


def _row(method: str, patient: str, vertebrae: int, cpu_s: float) -> BenchmarkRow:
    names = (method, patient, ACCURACY, "", vertebrae, 1000 * vertebrae, "", None, 1, None, None)
    return BenchmarkRow(*names, Cost(wall_s=2 * cpu_s, cpu_s=cpu_s, memory_mb=None), None)


def test_exponents_and_ratios_of_known_laws() -> None:
    rows = [_row("a", str(n), n, 0.5 * n**1.5) for n in (2, 4, 8)] + [_row("b", "2", 2, 1.0)]
    found = summary.exponents(rows, "cpu_s", lambda row: row.vertebrae)
    assert [(fit.method, pytest.approx(fit.exponent)) for fit in found] == [("a", 1.5)]
    assert summary.exponents(rows, "memory_mb", lambda row: row.vertebrae) == []
    slower = [_row("b", "2", 2, 8 * 0.5 * 2**1.5), _row("b", "4", 4, 2 * 0.5 * 4**1.5)]
    assert summary.cost_ratio(slower, rows[:3], "cpu_s") == pytest.approx(4.0)
    assert math.isnan(summary.cost_ratio(slower, [], "cpu_s"))


def test_every_kind_of_phantom_has_a_table_of_its_own(tmp_path: Path) -> None:
    rows = [
        replace(_row(ENGINE.name, kind, 2, cpu_s), kind=kind)
        for kind, cpu_s in (("T1", 3.0), ("T2", 5.0), ("T2", 7.0))
    ]
    page = write_report(tmp_path, rows, [ENGINE], 1).read_text()
    first, second = page.split("## ")[1:]
    assert first.startswith("Phantoms with known truth: T1")
    assert second.startswith("Phantoms with known truth: T2")
    assert "| 1 | 3.0 | 6.0 |" in first
    assert "| 2 | 6.0 | 12.0 |" in second


def test_a_run_that_ends_while_its_terms_are_written_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", ended)
        with pytest.raises(KeyboardInterrupt):
            run_benchmark([], [ENGINE], TERMS, tmp_path)
    run_benchmark([], [ENGINE], TERMS, tmp_path)
    with pytest.raises(InputError, match="other threads"):
        run_benchmark([], [ENGINE], replace(TERMS, threads=1), tmp_path)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="demons"):
        find_methods(["demons"])
    with pytest.raises(InputError, match="T9"):
        phantoms(["T9"], 1)
    assert find_methods(["elastix"]) == (ENGINE, BY_NAME["elastix"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--ct", "ct.nrrd"], "add --mr"),
        (["--kinds"], "nothing to register"),
        (["--methods", "demons"], "method 'demons': unknown"),
        (["--levels", "Q9"], "'Q9' is no vertebra"),
    ],
)
def test_the_command_refuses_in_one_sentence(tmp_path: Path, words: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        run_here("benchmark", "--output", tmp_path / "b", *words)
    assert list(tmp_path.iterdir()) == []
