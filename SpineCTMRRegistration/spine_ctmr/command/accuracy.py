"""`spine-ctmr accuracy`: the engine's errors where the truth is known."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..choices import DEFAULT_QUALITY, QUALITIES
from .options import add_threads, length_mm, require_folder, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import study

EXAMPLES = """\
  spine-ctmr accuracy --output accuracy
  spine-ctmr accuracy --output accuracy --kinds "T1 1 mm" --patients 5 --quality fast standard
  spine-ctmr accuracy --output accuracy --cases elastic

Interrupted, it goes on where it stopped when started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the tables")
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="FOLDER",
        help="measure on the cases in this folder instead of phantoms: in each subfolder ct, mr, ct_labels, "
        "mr_landmarks or mr_labels, and truth_points.npz",
    )
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="kinds of phantoms (default: all)")
    parser.add_argument(
        "--patients",
        type=whole_number(1, 20),
        default=1,
        metavar="N",
        help="of each kind (default: 1)",
    )
    parser.add_argument(
        "--quality",
        nargs="+",
        choices=QUALITIES,
        default=[DEFAULT_QUALITY],
        help=f"accuracy against time (default: {DEFAULT_QUALITY})",
    )
    parser.add_argument(
        "--centroid-errors",
        nargs="+",
        type=length_mm(100),
        default=[0.0],
        metavar="MM",
        help="how far every given centroid is wrong (default: 0)",
    )
    parser.add_argument(
        "--runs",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="with other sample points in the soft tissue (default: 1)",
    )
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)
    require_folder("folder of cases", arguments.cases)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..research.studies.accuracy import case_patients, engine_methods, phantom_patients, run_accuracy
    from ..research.studies.phantom_kinds import KINDS, known_kinds

    if arguments.cases is not None:
        patients = case_patients(arguments.cases)
    else:
        patients = phantom_patients(known_kinds(arguments.kinds or list(KINDS)), arguments.patients)
    methods = engine_methods(arguments.quality, arguments.centroid_errors, arguments.runs)
    reporter.result(run_accuracy(patients, methods, arguments.output, reporter))


SUBCOMMAND = study(
    name="accuracy",
    summary="Measure the engine's errors on phantoms or on cases whose truth is known.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
