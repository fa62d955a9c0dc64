"""Snakemake runs the workflow; only the registration itself is a stand-in."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cohort.start_study import start_study
from spine_ctmr.cohort import engine
from spine_ctmr.cohort.engine import Workflow, require_engine
from spine_ctmr.cohort.outcome import EARLIER, read_outcome
from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.cohort.resources import MEMORY_MB, MINUTES, memory_mb, minutes
from spine_ctmr.cohort.stamp import waiting
from spine_ctmr.cohort.study import Summary, register_all, require_same_options
from spine_ctmr.errors import InputError, SpineError
from spine_ctmr.progress import Progress, silent

pytestmark = pytest.mark.slow
"""Snakemake takes some seconds to start."""


def registered(workflow: Workflow, progress: Progress = silent) -> Summary:
    return register_all(workflow, read_patients(workflow.table), progress)


DOCS = Path(__file__).parents[2] / "docs"
ENDED = {"a": "done", "c": "done"}


def came(workflow: Workflow) -> dict[str, str]:
    patients = read_patients(workflow.table)
    return {patient.case: read_outcome(workflow.study, patient).came for patient in patients}


def due(workflow: Workflow) -> list[str]:
    return waiting(workflow.study, read_patients(workflow.table))


def run_of(study: Path, case: str) -> dict:
    return json.loads((study / "patients" / case / "run.json").read_text())


def test_a_damaged_patient_stops_no_other_and_is_tried_again(table: Callable, quick: Callable) -> None:
    kinds = {"a": "good", "b": "damaged", "c": "failed", "d": "doubtful"}
    workflow = quick(table(kinds))
    assert due(workflow) == ["a", "b", "c", "d"]
    assert not workflow.study.exists()
    told = []
    summary = registered(workflow, lambda stage, share: told.append((stage, share)))
    assert came(workflow) == {**{"a": "done", "b": "no result", "c": "failed its own checks", "d": "done"}}
    patients = read_patients(workflow.table)
    assert read_outcome(workflow.study, patients[1]).sentence == "The CT is damaged; export it again."
    assert summary.missing == 1
    tries = {case: len((workflow.table.parent / "data" / case / "tries").read_text()) for case in kinds}
    assert tries == {"a": 1, "b": 2, "c": 1, "d": 1}
    assert told[-1][0].endswith("of 4 registered")
    words = run_of(workflow.study, "a")["words"]
    assert words[words.index("--threads") + 1] == "1"
    assert words[words.index("--quality") + 1] == "fast"
    assert words[words.index("--case") + 1] == "a"

    tokens = {case: run_of(workflow.study, case)["token"] for case in "acd"}
    assert due(workflow) == ["b"]
    table({**kinds, "b": "good"})
    assert registered(workflow).missing == 0
    assert {case: run_of(workflow.study, case)["token"] for case in "acd"} == tokens


def test_a_patient_whose_images_changed_and_a_new_one_are_registered(
    table: Callable, quick: Callable
) -> None:
    kinds = {"a": "good", "b": "good"}
    workflow = quick(table(kinds))
    registered(workflow)
    table({"a": "good", "b": "doubtful", "c": "good"})
    assert due(workflow) == ["b", "c"]


def test_a_corrected_row_and_a_folder_exported_again_are_registered(
    table: Callable, quick: Callable, tmp_path: Path
) -> None:
    path = table({"a": "good", "b": "good", "c": "good"})
    for case in "ab":
        (tmp_path / "data" / case / "series").mkdir()
        (tmp_path / "data" / case / "series" / "slice").write_text("good")
    titles, first, second, third = path.read_text().splitlines()
    folders = [row.replace("ct.nii", "series") for row in (first, second)]
    path.write_text("\n".join([f"{titles}\tct_series", f"{folders[0]}\tsoft", folders[1], third]))
    workflow = quick(path)
    registered(workflow)
    assert due(workflow) == []
    path.write_text(path.read_text().replace("soft", "bone"))
    (tmp_path / "data" / "b" / "series" / "slice").write_text("doubtful")
    assert due(workflow) == ["a", "b"]
    token = run_of(workflow.study, "c")["token"]
    registered(workflow)
    assert "--ct-series=bone" in run_of(workflow.study, "a")["words"]
    assert json.loads((workflow.study / "patients" / "b" / "quality.json").read_text())["verdict"] == (
        "L4 is check."
    )
    assert run_of(workflow.study, "c")["token"] == token
    assert due(workflow) == []


def test_a_registration_that_fails_leaves_the_earlier_result_and_the_page_says_so(
    table: Callable, quick: Callable
) -> None:
    workflow = quick(table({"a": "good"}))
    registered(workflow)
    folder = workflow.study / "patients" / "a"
    (folder / "notes.txt").write_text("mine")
    token = run_of(workflow.study, "a")["token"]
    table({"a": "damaged"})
    for _ in range(2):
        assert registered(workflow).missing == 1
        assert run_of(workflow.study, "a")["token"] == token
        outcome = read_outcome(workflow.study, read_patients(workflow.table)[0])
        assert outcome.came == "no result"
        assert outcome.sentence == f"The CT is damaged; export it again. {EARLIER}"
    table({"a": "doubtful"})
    assert registered(workflow).missing == 0
    assert run_of(workflow.study, "a")["token"] != token
    assert (folder / "notes.txt").read_text() == "mine"


def test_signs_that_mean_something_to_snakemake_may_be_in_every_path(
    table: Callable, quick: Callable
) -> None:
    path = table({"a": "good", "b": "good"}, "study #2: {all} 'é😀'")
    image = path.parent / "data" / "b" / "ct.nii"
    image.rename(image.with_name("ct {acq} #1: a.nii"))
    path.write_text(path.read_text().replace("b/ct.nii", "b/ct {acq} #1: a.nii"))
    workflow = replace(quick(path), study=path.parent / "results #2: {all}")
    assert registered(workflow).missing == 0


def test_a_table_of_one_patient_leaves_the_others_in_the_summary(table: Callable, quick: Callable) -> None:
    registered(quick(table({"a": "good", "b": "damaged"})))
    summary = registered(quick(table({"c": "good"}, "one.tsv")))
    assert summary.missing == 0
    assert summary.sentence.endswith("; 2 more in the study's folder, not in this table.")
    lines = (summary.page.parent / "summary.tsv").read_text().splitlines()[1:]
    assert {(line.split("\t")[0], line.split("\t")[-1]) for line in lines} == {
        ("a", "no"),
        ("b", "no"),
        ("c", "yes"),
    }


def test_a_dry_run_writes_nothing(table: Callable, quick: Callable) -> None:
    workflow = quick(table({"a": "good"}))
    workflow.study.mkdir()
    assert due(workflow) == ["a"]
    assert list(workflow.study.iterdir()) == []


def test_a_result_that_was_removed_is_made_again(table: Callable, quick: Callable) -> None:
    workflow = quick(table({"a": "good"}))
    registered(workflow)
    shutil.rmtree(workflow.study / "patients" / "a")
    assert due(workflow) == ["a"]
    assert registered(workflow).missing == 0


def test_other_options_do_not_mix(table: Callable, quick: Callable) -> None:
    workflow = quick(table({"a": "good"}))
    registered(workflow)
    network = {"name": "quick", "onnx_sha256": "0"}
    require_same_options(workflow.study, "fast", 0, network)
    with pytest.raises(InputError, match="holds results with --quality fast; choose"):
        require_same_options(workflow.study, "standard", 0, network)
    with pytest.raises(InputError, match=r"holds results of another network \(quick\); choose"):
        require_same_options(workflow.study, "fast", 0, {**network, "onnx_sha256": "1"})


def test_two_runs_do_not_share_a_study(table: Callable, quick: Callable, tmp_path: Path) -> None:
    path = table({"a": "wait"})
    first = start_study(path, tmp_path / "study")
    try:
        _until(lambda: (tmp_path / "study" / "logs" / "a.log").exists())
        with pytest.raises(InputError, match="is being made by another run"):
            registered(quick(path))
    finally:
        (tmp_path / "data" / "a" / "go").touch()
        first.communicate(timeout=60)
    assert first.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_half_way_it_goes_on(table: Callable, quick: Callable, tmp_path: Path, number: int) -> None:
    kinds = {"a": "good", "b": "wait", "c": "good"}
    path = table(kinds)
    study = tmp_path / "study"
    first = start_study(path, study)
    workflow = quick(path)
    _until(lambda: came(workflow) == {**ENDED, "b": "no result"})  # b is at work: a log and no result
    _until(lambda: (study / "snakemake.log").read_text().count("Finished jobid") == 2)
    os.killpg(first.pid, number)
    first.communicate(timeout=60)
    assert came(workflow) == {**ENDED, "b": "no result"}
    assert not (study / "patients" / "b").exists()
    token = run_of(study, "a")["token"]
    (tmp_path / "data" / "b" / "go").touch()
    assert registered(workflow).missing == 0
    assert run_of(study, "a")["token"] == token


def test_a_profile_that_is_wrong_is_one_sentence(table: Callable, quick: Callable, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text("executor: nowhere\njobs: 2\n")
    with pytest.raises(SpineError) as caught:
        registered(quick(table({"a": "good"}), profile=profile))
    assert str(caught.value).startswith("Snakemake could not register the patients (")
    assert str(caught.value).count("\n") == 0


def test_without_snakemake_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"not installed; run `pip install .*cohort"):
        require_engine()


def test_a_job_asks_for_more_the_more_vertebrae_and_when_tried_again() -> None:
    assert memory_mb(3) < memory_mb(24) == memory_mb(None)
    assert memory_mb(5, attempt=2) == 2 * memory_mb(5)
    assert minutes(3) < minutes(None) < minutes(None, attempt=2)


def test_a_job_asks_for_more_than_was_measured() -> None:
    """The measurements are those of the page that tells them; no other page and no code repeats them."""
    measured = (DOCS / "measured" / "accuracy.md").read_text()
    section = measured.split("## Time and memory")[1].split("\n## ")[0]
    most_mb = 1000 * max(map(float, re.findall(r"(\d\.\d) GB", section)))
    assert 1.25 * most_mb < memory_mb(24)
    told = (DOCS / "cohort.md").read_text()
    constant, each = MEMORY_MB
    assert (
        f"A job asks for one core, {constant // 1000} GB and {each} MB for every vertebra, {MINUTES[0]} min"
        in told
    )
    assert not re.search(r"\d\.\d GB", told)


def _until(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
