"""Snakemake, which runs the workflow: what is to be done, side by side, on this computer or a cluster."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled, InputError, SpineError
from ..process.supervision import cancellation
from .folders import LOGS
from .this_computer import shared_memory_mb

WORKFLOW = Path(__file__).with_name("workflow.smk")
PACKAGE = "snakemake"
LOG = "snakemake.log"
"""What Snakemake says, in the study's folder."""
SLURM_RUN = "SLURM run ID:"
"""So its executor announces the name that all its jobs have."""
POLL_S = 0.5
GRACE_S = 20.0


@dataclass(frozen=True)
class Workflow:
    """The registrations of a study.

    Attributes:
        table: of the patients, absolute.
        study: folder of the results, absolute.
        options: for `spine-ctmr register`, the same for all.
        cores: patients side by side on this computer; None = as many as it has cores.
        profile: folder of a Snakemake profile, such as one for a cluster, which then says where and how many.
        program: begins the command line that ends with `register`'s words.
    """

    table: Path
    study: Path
    options: Sequence[str]
    cores: int | None = None
    profile: Path | None = None
    program: Sequence[str] = (sys.executable, "-m", "spine_ctmr")

    @property
    def command(self) -> list[str]:
        """How Snakemake is started."""
        told = {"table": str(self.table), "program": list(self.program), "options": list(self.options)}
        config = f"cohort={json.dumps(told, ensure_ascii=False)}"  # a text alone would lose its quotes
        if self.profile is None:
            where = ["--cores", str(self.cores or "all"), "--resources", f"mem_mb={shared_memory_mb()}"]
        else:
            where = ["--profile", str(self.profile)]
        return [
            *(sys.executable, "-m", PACKAGE, "--snakefile", str(WORKFLOW), "--directory", str(self.study)),
            *("--keep-going", "--retries", "1", "--ignore-incomplete", "--rerun-triggers", "mtime"),
            *("--nolock", "--nocolor", *where, "--config", config),
        ]


def require_engine() -> None:
    """Accept an installation that has Snakemake.

    Raises:
        InputError: it is missing.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise InputError(
            "Snakemake, which runs cohorts, is not installed; "
            "run `pip install -c constraints.txt .[cohort]` or `pip install 'snakemake>=9'`."
        )


def run(workflow: Workflow, watch: Callable[[], None]) -> None:
    """Register who has no stamp; a patient that cannot be registered does not stop the rest.

    Args:
        workflow: the study, in an existing folder.
        watch: called again and again meanwhile.

    Raises:
        Cancelled: SIGTERM or SIGINT; jobs on a cluster are taken back.
        SpineError: Snakemake itself could not work.
    """
    log = workflow.study / LOG
    earlier = _logs(workflow.study)
    with cancellation() as cancelled, log.open("wb") as stream:
        process = subprocess.Popen(workflow.command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        while process.poll() is None and not cancelled.wait(POLL_S):
            watch()
        if process.returncode is None:
            _end(process)
            _take_back(log)
    if cancelled.is_set():
        raise Cancelled("Cancelled; run the same command again to go on.")
    if process.returncode and _logs(workflow.study) == earlier:
        raise SpineError(_refusal(log.read_text(encoding="utf-8", errors="replace")))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have Snakemake take its jobs back, and wait for its end if that comes soon."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:  # it sleeps between two looks at a cluster; its jobs are taken back
        process.kill()
        process.wait()


def _take_back(log: Path) -> None:
    """Cancel what still runs on SLURM; Snakemake forgets the jobs that it is just looking at."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for name in (line.removeprefix(SLURM_RUN).strip() for line in lines if line.startswith(SLURM_RUN)):
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["scancel", "--name", name], capture_output=True, timeout=GRACE_S, check=False)


def _logs(study: Path) -> dict[str, int]:
    """When each patient's log was last written."""
    return {path.name: path.stat().st_mtime_ns for path in (study / LOGS).glob("*.log")}


def _refusal(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    reason = lines[-1].rstrip(".") if lines else "without a word"
    return f"Snakemake could not register the patients ({reason}); mend the profile or the installation."
