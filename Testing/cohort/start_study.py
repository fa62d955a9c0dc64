"""Registers a study with the stand-in: `start_study.py TABLE STUDY [PROFILE]`, or the same from a test."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from spine_ctmr.cohort.engine import Workflow
from spine_ctmr.cohort.patients import read_patients
from spine_ctmr.cohort.study import register_all
from spine_ctmr.progress import silent

QUICK = (sys.executable, str(Path(__file__).with_name("quick_register.py")))
WORDS = ("--quality", "fast", "--device", "cpu", "--seed", "0")


def quick_workflow(table: Path, study: Path, profile: Path | None = None) -> Workflow:
    """The workflow of a table; its registrations end at once."""
    return Workflow(table, study, WORDS, 2, profile, QUICK)


def start_study(*paths: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """A process of its own, in a group of its own."""
    words = [sys.executable, __file__, *map(str, paths)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


if __name__ == "__main__":
    workflow = quick_workflow(*map(Path, sys.argv[1:]))
    print(register_all(workflow, read_patients(workflow.table), silent).sentence)
