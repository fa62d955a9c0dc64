"""`spine-ctmr demo`: a synthetic patient, registered and evaluated."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .options import (
    add_output_options,
    add_registration_options,
    check_registration_options,
    registration_options,
    require_network,
)
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr demo
  spine-ctmr demo --output my-demo --quality fast --overwrite"""


def _add_arguments(parser: ArgumentParser) -> None:
    add_output_options(parser, default="spine-ctmr-demo")
    add_registration_options(parser)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("preparing", 0.0)
    require_network(arguments)
    from ..demo import run_demo

    reporter.message(run_demo(arguments.output, registration_options(arguments), reporter))


SUBCOMMAND = Subcommand(
    name="demo",
    summary="Make a synthetic patient, register it and measure the errors, in mm, against the truth.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=check_registration_options,
    run=_run,
)
