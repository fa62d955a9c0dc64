"""A cluster's jobs, by Snakemake's SLURM executor and commands that stand for SLURM's.

It shows that the profile reaches Snakemake, what every job asks for, and that jobs are tried again, marked
and taken back. It does not show queues, limits that SLURM enforces, other nodes, or a network file system.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cohort.fake_slurm import COMMANDS
from cohort.start_study import start_study
from spine_ctmr.cohort.outcome import read_outcome
from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.cohort.resources import memory_mb, minutes

pytestmark = pytest.mark.slow

PROFILE = """
executor: slurm
jobs: 4
latency-wait: 5
slurm-init-seconds-before-status-checks: 1
slurm-no-account: true
default-resources:
  slurm_partition: standard
"""


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """The environment of a login node, and a profile for it."""
    pytest.importorskip(
        "snakemake_executor_plugin_slurm", reason="the SLURM executor is missing (extra cohort)"
    )
    programs, home, profile = (tmp_path / name for name in ("bin", "slurm", "profile"))
    for folder in (programs, home, profile):
        folder.mkdir()
    for name in COMMANDS:
        shim = programs / name
        script = Path(__file__).with_name("fake_slurm.py")
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" {name} "$@"\n')
        shim.chmod(0o755)
    (profile / "config.yaml").write_text(PROFILE)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "FAKE_SLURM": str(home)}


def submitted(tmp_path: Path) -> list[list[str]]:
    paths = sorted((tmp_path / "slurm").glob("*.json"), key=lambda path: int(path.stem))
    return [json.loads(path.read_text()) for path in paths]


def start(table: Path, tmp_path: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return start_study(table, tmp_path / "study", tmp_path / "profile", environment=environment)


def test_every_patient_is_a_job_and_a_damaged_one_is_tried_twice(
    table: Callable, cluster: dict[str, str], tmp_path: Path
) -> None:
    path = table({"a": "good", "b": "damaged", "c": "failed"}, "study #2: {all}.tsv")
    out, _ = start(path, tmp_path, cluster).communicate(timeout=300)
    assert out.startswith(
        "1 of 3 patients registered, 1 with all vertebrae good; 1 failed their own checks; 1 "
    )
    study = tmp_path / "study"
    assert [read_outcome(study, patient).came for patient in read_patients(path)] == [
        "done",
        "no result",
        "failed its own checks",
    ]
    asked = sorted(
        (int(words[words.index("--mem") + 1]), words[words.index("-t") + 1]) for words in submitted(tmp_path)
    )
    once, twice = ((memory_mb(None, n), str(minutes(None, n))) for n in (1, 2))
    assert asked == [once, once, once, twice]
    tries = {case: len((tmp_path / "data" / case / "tries").read_text()) for case in "abc"}
    assert tries == {"a": 1, "b": 2, "c": 1}
    assert all("standard" in " ".join(words) for words in submitted(tmp_path))


def test_cancelled_it_takes_its_jobs_back(table: Callable, cluster: dict[str, str], tmp_path: Path) -> None:
    # Snakemake forgets the jobs that it is just looking at: here it looks all the time
    process = start(table({"a": "good", "b": "wait"}), tmp_path, {**cluster, "FAKE_SACCT_S": "60"})
    end = time.monotonic() + 120
    while not (tmp_path / "study" / "registered" / "a").exists() or len(submitted(tmp_path)) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=120)
    states = {path.read_text() for path in (tmp_path / "slurm").glob("*.state")}
    assert "CANCELLED" in states
    assert "RUNNING" not in states
    assert not (tmp_path / "study" / "patients" / "b").exists()
