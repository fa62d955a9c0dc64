"""`spine-ctmr papers`: the networks of three papers on the same synthetic patients."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .options import require_cuda, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr papers --output papers
  spine-ctmr papers --output papers --steps 2000 --patients 50

Trains the recipes of van Ulsen 2022, Cao et al. 2018 and Gao and Zheng 2022 briefly (one to two hours of one
CPU core), measures them, the bundled network and, with the package antspyx, ANTs on the same test patients,
and writes the papers' tables beside ours. Interrupted, it goes on where it stopped when started again."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for runs, measures and the page"
    )
    parser.add_argument(
        "--patients", type=whole_number(2), default=20, metavar="N", help="test patients (default: 20)"
    )
    parser.add_argument(
        "--steps",
        type=whole_number(1),
        metavar="N",
        help="of every training, instead of the brief budgets'; more than before goes on",
    )
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cpu", help="for the training (default: cpu)"
    )
    parser.add_argument(
        "--threads", type=whole_number(1, 1024), metavar="N", help="CPU threads to use (default: all cores)"
    )


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    require_cuda(arguments.device)

    from ..research.studies.papers.run import run_papers

    reporter.result(
        run_papers(arguments.output, arguments.patients, arguments.steps, arguments.device, reporter)
    )


SUBCOMMAND = Subcommand(
    name="papers",
    summary="Train van Ulsen's, Cao's and Gao's networks briefly; write their tables on synthetic patients.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="comparison",
    memory_advice="close other programs and start it again; it goes on where it stopped",
    grace_s=120.0,
)
