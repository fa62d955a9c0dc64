"""`spine-ctmr flag-calibration`: how far the flags can be believed, and the rule that phantoms choose."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .options import add_threads, require_file, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import study

EXAMPLES = """\
  spine-ctmr flag-calibration --output flags
  spine-ctmr flag-calibration --output flags --observations flag_calibration.csv

Writes flag_calibration.md, .png and .csv about the rule in use, and prints the rule that half of the phantoms
would choose; three or four registrations of every phantom. Interrupted, it goes on where it stopped when
started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the page")
    parser.add_argument(
        "--patients",
        type=whole_number(1, 1000),
        default=48,
        metavar="N",
        help="phantoms that are made to fail, beside 16 pairs of CTs and MRs that are mixed up (default: 48)",
    )
    parser.add_argument(
        "--observations",
        type=Path,
        metavar="CSV",
        help="measure nothing, and write the page about the results in this flag_calibration.csv",
    )
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)
    require_file("table", arguments.observations, "give a flag_calibration.csv")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..research.studies.flags.run import (
        chosen_rule,
        flag_patients,
        publish_observations,
        read_observations,
        run_flag_calibration,
    )

    if arguments.observations is not None:
        observations = read_observations(arguments.observations)
        page = publish_observations(observations, arguments.output)
    else:
        page = run_flag_calibration(flag_patients(arguments.patients), arguments.output, reporter)
        observations = read_observations(page.with_suffix(".csv"))
    reporter.message(chosen_rule(observations))
    reporter.result(page)


SUBCOMMAND = study(
    name="flag-calibration",
    summary="Measure on phantoms that were made to fail how far the flags can be believed.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
