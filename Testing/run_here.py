"""A subcommand in this process: no other interpreter that imports the libraries anew."""

from __future__ import annotations

from spine_ctmr.command.parsing import build_parser
from spine_ctmr.command.reporting import make_reporter
from spine_ctmr.command.subcommands import subcommands


def run_here(*words: object) -> None:
    """Check and run what `words` ask for as the worker does; what the command explains is raised."""
    arguments = build_parser(subcommands()).parse_args([str(word) for word in words])
    arguments.subcommand.check(arguments)
    arguments.subcommand.run(arguments, make_reporter(arguments.progress))
