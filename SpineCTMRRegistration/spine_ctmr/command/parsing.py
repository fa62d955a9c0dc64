"""The command line's grammar."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..errors import InputError
from .options import add_run_options
from .subcommand import Subcommand

DESCRIPTION = "Rigidity-preserving registration of CT and MR images of the spine."
DISCLAIMER = "For research use; not a medical device."
NARROWEST = 40
"""Columns of the help text."""
EXIT_CODES = (
    "Exit codes: 0 done, 1 unexpected failure, 2 wrong arguments or unusable input,\n"
    "3 the registration failed its own checks (results kept), 130 cancelled."
)


class _Help(RawDescriptionHelpFormatter):
    """Help that stays readable whatever the environment says of the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=max(NARROWEST, shutil.get_terminal_size().columns - 2))


class _Parser(ArgumentParser):
    """An argument parser that raises one sentence instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message}; see `{self.prog} --help`.")


def build_parser(known: Sequence[Subcommand]) -> ArgumentParser:
    """The parser of `spine-ctmr`; it sets `subcommand` to the chosen one.

    The parser raises InputError for wrong arguments.
    """
    parser = _Parser(
        prog="spine-ctmr",
        description=DESCRIPTION,
        epilog=f"{EXIT_CODES}\n\n{DISCLAIMER}",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    choices = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    for subcommand in known:
        child = choices.add_parser(
            subcommand.name,
            help=subcommand.summary,
            description=subcommand.summary,
            epilog=f"examples:\n{subcommand.examples}\n\n{DISCLAIMER}",
            formatter_class=_Help,
            allow_abbrev=False,
        )
        subcommand.add_arguments(child)
        add_run_options(child)
        child.set_defaults(subcommand=subcommand)
    return parser
