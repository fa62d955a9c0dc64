"""The subcommands of `spine-ctmr`, one file each. A new one is added to `subcommands()`."""

from __future__ import annotations

from . import demo, export, phantom, register, train
from .subcommand import Subcommand

__all__ = ["Subcommand", "subcommands"]


def subcommands() -> tuple[Subcommand, ...]:
    """All subcommands in the order of the help text."""
    return register.SUBCOMMAND, demo.SUBCOMMAND, phantom.SUBCOMMAND, train.SUBCOMMAND, export.SUBCOMMAND
