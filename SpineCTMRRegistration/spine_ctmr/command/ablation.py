"""`spine-ctmr ablation`: the paper's Table 1 on synthetic patients."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from ..errors import InputError
from .options import require_cuda, require_file, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr ablation --output ablation
  spine-ctmr ablation --output ablation --budget mine.toml --patients 50 --elastix

Interrupted, it goes on where it stopped when started again with the same arguments."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for runs, tables and the picture"
    )
    parser.add_argument(
        "--budget",
        type=Path,
        metavar="FILE",
        help="TOML file of recipe keys that replace those of every recipe (default: one of half an hour)",
    )
    parser.add_argument(
        "--patients", type=whole_number(2), default=25, metavar="N", help="test patients (default: 25)"
    )
    parser.add_argument(
        "--elastix", action="store_true", help="also elastix with a rigidity penalty (package itk-elastix)"
    )
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cpu", help="for the training (default: cpu)"
    )
    parser.add_argument(
        "--threads", type=whole_number(1, 1024), metavar="N", help="CPU threads to use (default: all cores)"
    )


def _check(arguments: Namespace) -> None:
    require_file("budget", arguments.budget, "give a TOML file of recipe keys")
    require_no_file(arguments.output)
    if arguments.elastix and find_spec("itk") is None:
        raise InputError(
            "--elastix needs the package 'itk-elastix'; install it with `pip install itk-elastix`."
        )


def _run(arguments: Namespace, reporter: Reporter) -> None:
    require_cuda(arguments.device)

    from ..research.studies.ablation.run import BRIEF, run_ablation

    page = run_ablation(
        arguments.output,
        arguments.budget or BRIEF,
        arguments.patients,
        arguments.elastix,
        arguments.device,
        reporter,
    )
    reporter.result(page)


SUBCOMMAND = Subcommand(
    name="ablation",
    summary="Train the recipes of Jian et al. 2022 briefly and write their Table 1 on synthetic patients.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="ablation",
    memory_advice="give a budget with a smaller crop",
    grace_s=120.0,
)
