"""`spine-ctmr compare`: two methods on the same patients."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import InputError
from .reporting import Reporter
from .subcommand import Subcommand

METRICS = ("tre_mm", "dice", "mean_surface_mm", "hd95_mm", "hd99_mm", "rigid_dice", "volume_change_percent")
EXAMPLES = """\
  spine-ctmr compare ours theirs
  spine-ctmr compare ours theirs --metric tre_mm dice

Each folder holds one sub-folder per patient with its evaluation.json (see `spine-ctmr evaluate`); patients
are matched by the sub-folder's name. Wilcoxon signed-rank tests; Holm's correction over the levels."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="FIRST", help="evaluated patients of one method")
    parser.add_argument("second", type=Path, metavar="SECOND", help="the same patients by another method")
    parser.add_argument(
        "--metric", nargs="+", choices=METRICS, default=["tre_mm", "dice"], help="(default: tre_mm dice)"
    )


def _check(arguments: Namespace) -> None:
    for folder in (arguments.first, arguments.second):
        if not folder.is_dir():
            raise InputError(f"'{folder}' is not a folder; give one with a sub-folder for every patient.")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..evaluation.cohort import as_markdown, compare, read_cohort

    first, second = read_cohort(arguments.first), read_cohort(arguments.second)
    if not first.keys() & second.keys():
        raise InputError(
            f"'{arguments.first}' and '{arguments.second}' have no patient in common; "
            "give the sub-folders of the same patient the same name."
        )
    names = (arguments.first.name or "first", arguments.second.name or "second")
    for metric in arguments.metric:
        reporter.message(as_markdown(metric, names, compare(first, second, metric)))


SUBCOMMAND = Subcommand(
    name="compare",
    summary="Compare two methods over the same evaluated patients with paired tests for every level.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="comparison",
    memory_advice="close other programs and run it again",
)
