"""`spine-ctmr papers`: the networks of a paper on synthetic patients, beside what the paper prints."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..choices import DEVICES
from .options import add_threads, require_no_file, training_device, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

NAMES = ("jian", "jian-1mm", "vanulsen", "cao", "gao")
EXAMPLES = """\
  spine-ctmr papers gao --output gao
  spine-ctmr papers vanulsen --output vanulsen --folds 3
  spine-ctmr papers jian --output jian --steps 5000 --patients 50
  spine-ctmr papers cao --output cao --measure-only

Trains the recipes of Jian et al. 2022, van Ulsen 2022, Cao et al. 2018 or Gao and Zheng 2022 within a budget
(one to two hours of one CPU core each), measures them and, with the packages itk-elastix and antspyx,
what the paper compares with on the same test patients, and writes a page with the paper's tables beside ours.
Interrupted, it goes on where it stopped when started again."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("paper", choices=NAMES, metavar="PAPER", help=f"one of {', '.join(NAMES)}")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for runs, measures and the page"
    )
    parser.add_argument(
        "--patients", type=whole_number(2), default=24, metavar="N", help="test patients (default: 24)"
    )
    parser.add_argument(
        "--steps",
        type=whole_number(5),
        metavar="N",
        help="of every training, instead of the budget's; more than before goes on",
    )
    parser.add_argument(
        "--folds",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="divisions of the patients to train for, at most the paper's (default: 1)",
    )
    parser.add_argument(
        "--measure-only", action="store_true", help="measure the networks as they are, without training on"
    )
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="for the training (default: cpu)")
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    device = training_device(arguments.device)

    from ..research.studies.papers.paper import Choices, run_paper
    from ..research.studies.papers.papers import find_paper

    train = not arguments.measure_only
    choices = Choices(arguments.patients, arguments.steps, arguments.folds, device, train)
    reporter.result(run_paper(find_paper(arguments.paper), arguments.output, choices, reporter))


SUBCOMMAND = Subcommand(
    name="papers",
    summary="Train the networks of a paper briefly and write its tables on synthetic patients.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="study",
    memory_advice="close other programs and start it again; it goes on where it stopped",
    grace_s=120.0,
)
