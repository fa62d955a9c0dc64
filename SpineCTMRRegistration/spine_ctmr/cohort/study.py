"""A study: its patients registered, its summary up to date, whatever happens in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..json_files import read_json
from ..process.claim import claimed
from ..progress import Progress
from ..results import names
from .engine import Workflow, run
from .folders import PATIENTS
from .outcome import read_others, read_outcome
from .patients import Patient
from .stamp import registered, withdraw
from .summary import PAGE, in_a_sentence, write_summary


@dataclass(frozen=True)
class Summary:
    """What came of a study.

    Attributes:
        sentence: how many patients of the table came to what.
        missing: patients of the table without a result.
        page: the page that shows all.
    """

    sentence: str
    missing: int
    page: Path


def register_all(workflow: Workflow, patients: Sequence[Patient], progress: Progress) -> Summary:
    """Register the patients whose row and images have no result yet; write the summary, also if cancelled.

    Raises:
        InputError: another run is at work on the study, or it cannot be written.
        Cancelled: asked to stop.
        SpineError: Snakemake could not work.
    """
    study = workflow.study

    def tell() -> None:
        done = sum(registered(study, patient.case) for patient in patients)
        progress(f"{done} of {len(patients)} registered", done / len(patients))

    with claimed(study):
        study.mkdir(parents=True, exist_ok=True)
        withdraw(study, patients)
        try:
            run(workflow, tell)
        finally:
            outcomes = [read_outcome(study, patient) for patient in patients]
            outcomes += read_others(study, patients)
            write_summary(study, outcomes)
    missing = sum(one.in_table and one.came in ("no result", "not begun") for one in outcomes)
    return Summary(in_a_sentence(outcomes), missing, study / PAGE)


def require_same_options(study: Path, quality: str, seed: int, network: Mapping[str, str]) -> None:
    """Accept options that are those of the results in the study, so that all its results are alike.

    Args:
        study: folder of the results.
        quality, seed: of the registrations to come.
        network: `NetworkCard.identity` of theirs.

    Raises:
        InputError: a result was made with others.
    """
    for path in sorted((study / PATIENTS).glob(f"*/{names.RUN}")):
        run = read_json(path, "remove its folder and run the cohort again")
        options, used = run.get("options", {}), run.get("network") or network
        for name, value in (("quality", quality), ("seed", seed)):
            if options.get(name, value) != value:
                raise InputError(
                    f"The study '{study}' holds results with --{name} {options[name]}; "
                    "choose the same or another folder."
                )
        if any(used.get(name) != value for name, value in network.items()):
            raise InputError(
                f"The study '{study}' holds results of another network ({used.get('name')}); choose that "
                "with --network, or another folder."
            )
