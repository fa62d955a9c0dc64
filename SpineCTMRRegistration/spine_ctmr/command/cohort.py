"""`spine-ctmr cohort`: register all patients of a table, on this computer or a cluster."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, RegistrationFailed
from ..network.find_network import find_network
from ..process.staging import resolved
from .options import (
    add_registration_options,
    check_registration_options,
    require_folder,
    require_network,
    require_no_file,
)
from .reporting import Reporter
from .subcommand import Subcommand

if TYPE_CHECKING:
    from ..cohort.engine import Workflow

EXAMPLES = """\
  spine-ctmr cohort patients.tsv --output study --dry-run
  spine-ctmr cohort patients.tsv --output study --quality fast
  spine-ctmr cohort patients.tsv --output study --profile slurm/
  spine-ctmr cohort BIDS/ --output study

The table has a line of titles and a line per patient, cells separated by tabs: case, ct, mr, vertebrae, and
where needed mr_landmarks or mr_vertebrae, ct_series, mr_series, label_scheme, mr_label_scheme and
vertebra_count (memory and time to ask a cluster for). Paths start at the table's folder.
Interrupted, or with more patients, it goes on where it stopped when started again; it then registers anew
those whose row or images have changed, tries again those without a result, and brings summary.tsv and
index.html up to date.
Exit code 3: some patients have no result; all others have."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("patients", type=Path, metavar="PATIENTS", help="table (.tsv), or a BIDS folder")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="STUDY",
        help="folder of the study, new or to go on with",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="tell which patients would be registered, and write nothing"
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="DIR",
        help="Snakemake profile (a folder with config.yaml) that says where to compute, such as on a cluster",
    )
    add_registration_options(parser)


def _check(arguments: Namespace) -> None:
    if not (arguments.patients.is_file() or arguments.patients.is_dir()):
        raise InputError(f"The table '{arguments.patients}' does not exist; give a .tsv or a BIDS folder.")
    require_no_file(arguments.output)
    require_folder("profile", arguments.profile)
    check_registration_options(arguments)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..cohort.engine import require_engine
    from ..cohort.patients import read_patients
    from ..cohort.stamp import waiting
    from ..cohort.study import register_all, require_same_options
    from ..network.runtime import network_card

    patients = read_patients(arguments.patients)
    require_engine()
    workflow = _workflow(arguments)
    chosen = network_card(arguments.network).identity
    require_same_options(workflow.study, arguments.quality, arguments.seed, chosen)
    if arguments.dry_run:
        cases = waiting(workflow.study, patients)
        listed = f": {', '.join(cases)}" if cases else ""
        reporter.message(f"{len(cases)} of {len(patients)} patients would be registered{listed}.")
        return
    if arguments.profile is None:  # which may name computers that have what this one lacks
        require_network(arguments)
    summary = register_all(workflow, patients, reporter)
    reporter.close()
    reporter.message(summary.sentence)
    reporter.result(summary.page)
    if summary.missing:
        raise RegistrationFailed(
            f"{summary.missing} of {len(patients)} patients have no result; {summary.page.name} says why, "
            "and the same command tries them again."
        )


def _workflow(arguments: Namespace) -> Workflow:
    from ..cohort.engine import Workflow

    options = ["--quality", arguments.quality, "--device", arguments.device, "--seed", str(arguments.seed)]
    if arguments.network is not None:
        options += ["--network", str(find_network(arguments.network).absolute())]
    profile = None if arguments.profile is None else arguments.profile.absolute()
    table, study = arguments.patients.absolute(), resolved(arguments.output)
    return Workflow(table, study, options, arguments.threads, profile)


SUBCOMMAND = Subcommand(
    name="cohort",
    summary="Register all patients of a table side by side; resume, summary and index page included.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="cohort",
    memory_advice="close other programs and start it again; it goes on where it stopped",
    grace_s=30.0,
)
