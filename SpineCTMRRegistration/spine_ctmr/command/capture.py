"""`spine-ctmr capture`: from how bad a start vertebrae are found, with the network and without it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .options import add_threads, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import study

EXAMPLES = """\
  spine-ctmr capture --output capture
  spine-ctmr capture --output capture --spines "eight, bent" --patients 2

Writes capture.md, and capture.json for `spine-ctmr export --measured`; ten registrations of every phantom.
Interrupted, it goes on where it stopped when started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the table")
    parser.add_argument(
        "--spines",
        nargs="+",
        default=["five lumbar", "seven of the chest", "seven of the neck", "eight, bent"],
        metavar="SPINE",
        help="'five lumbar', 'seven of the chest', 'seven of the neck' or 'eight, bent' (default: all)",
    )
    parser.add_argument(
        "--patients", type=whole_number(1, 100), default=6, metavar="N", help="phantoms of each (default: 6)"
    )
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..research.studies.capture import run_capture, spine_patients

    patients = spine_patients(arguments.spines, arguments.patients)
    reporter.result(run_capture(patients, arguments.output, reporter))


SUBCOMMAND = study(
    name="capture",
    summary="Measure what the network adds: vertebrae found with and without it, from bad starts.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
