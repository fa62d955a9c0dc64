"""`spine-ctmr flag-calibration`: how far the flags can be believed, and the rule that patients choose."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .options import add_threads, require_file, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import study

EXAMPLES = """\
  spine-ctmr flag-calibration --output flags
  spine-ctmr flag-calibration --output flags --anatomy cts --cases cases
  spine-ctmr flag-calibration --output flags --observations flag_calibration.csv

Writes flag_calibration.md, .png and .csv about the rule in use, and prints the rule that half of the painted
patients would choose; three or four registrations of every patient. Interrupted, it goes on where it stopped
when started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the page")
    parser.add_argument(
        "--patients",
        type=whole_number(1, 1000),
        default=39,
        metavar="N",
        help="painted patients that are made to fail (default: 39)",
    )
    parser.add_argument(
        "--anatomy",
        type=Path,
        metavar="FOLDER",
        help="also real anatomy: in each subfolder ct and ct_labels, moved and scanned like the painted "
        "patients",
    )
    parser.add_argument(
        "--real",
        type=whole_number(1, 1000),
        default=5,
        metavar="N",
        help="patients of --anatomy (default: 5)",
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="FOLDER",
        help="also cases of others: in each subfolder ct, mr, ct_labels, mr_landmarks and truth_points.npz",
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
    from ..research.studies.flags.fit import chosen_rule
    from ..research.studies.flags.run import (
        flag_patients,
        publish_observations,
        read_observations,
        run_flag_calibration,
    )

    if arguments.observations is not None:
        observations = read_observations(arguments.observations)
        page = publish_observations(observations, arguments.output)
    else:
        everyone = flag_patients(arguments.patients, arguments.anatomy, arguments.real, arguments.cases)
        page = run_flag_calibration(everyone, arguments.output, reporter)
        observations = read_observations(page.with_suffix(".csv"))
    reporter.message(chosen_rule(observations))
    reporter.result(page)


SUBCOMMAND = study(
    name="flag-calibration",
    summary="Measure on patients that were made to fail how far the flags can be believed.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
