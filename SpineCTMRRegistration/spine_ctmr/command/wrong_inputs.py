"""`spine-ctmr wrong-inputs`: what becomes of inputs that are mixed up, mirrored, misnamed or misplaced."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..choices import QUALITIES
from ..errors import InputError
from .options import add_threads, require_folder, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import study

EXAMPLES = """\
  spine-ctmr wrong-inputs --output wrong
  spine-ctmr wrong-inputs --output wrong --cases elastic --patients 0
  spine-ctmr wrong-inputs --output wrong --only labels-mirrored labels-swapped

Interrupted, it goes on where it stopped when started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the table")
    parser.add_argument(
        "--patients", type=whole_number(0, 20), default=1, metavar="N", help="phantoms (default: 1)"
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="FOLDER",
        help="also real anatomy: in each subfolder ct, mr, ct_labels, mr_landmarks and truth_points.npz",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these wrong inputs only (default: all)")
    parser.add_argument(
        "--quality", choices=QUALITIES, default="fast", help="of the registrations (default: fast)"
    )
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)
    require_folder("folder of cases", arguments.cases)
    if arguments.patients == 0 and arguments.cases is None:
        raise InputError("There is nothing to register; give --patients or --cases.")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..research.studies.wrong_inputs.run import (
        case_patients,
        chosen,
        phantom_patients,
        run_wrong_inputs,
    )

    wrongs = chosen(arguments.only)
    patients = phantom_patients(arguments.patients)
    patients += case_patients(arguments.cases) if arguments.cases else []
    reporter.result(run_wrong_inputs(patients, wrongs, arguments.quality, arguments.output, reporter))


SUBCOMMAND = study(
    name="wrong-inputs",
    summary="Register inputs that are wrong in many ways and count what is caught.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
