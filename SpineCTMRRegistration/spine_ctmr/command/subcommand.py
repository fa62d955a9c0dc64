"""What a subcommand of `spine-ctmr` is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from .reporting import Reporter


def _nothing_to_check(arguments: Namespace) -> None:
    """Accept all arguments."""


@dataclass(frozen=True)
class Subcommand:
    """One thing that `spine-ctmr` does.

    Attributes:
        name: the word on the command line.
        summary: one sentence for the list of subcommands.
        examples: command lines for the end of the help text.
        add_arguments: declares the arguments; `options.add_run_options` is added to all.
        run: does the work in the worker process; imports what is heavy inside. Raises SpineError
            with a sentence for the user; after RegistrationFailed the written files are kept.
        check: cheap checks before the worker starts, with the standard library only; raises InputError.
        staged: whether `arguments.output` is a folder that appears only when it is complete. Then
            `run` finds a temporary folder under `arguments.output`, and `arguments.overwrite` exists.
        noun: what is running, for messages ("The registration ran out of memory").
        memory_advice: what to do then.
        grace_s: the time that the worker has, when cancelled, to save its state on SIGTERM.
    """

    name: str
    summary: str
    examples: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Reporter], None]
    check: Callable[[Namespace], None] = _nothing_to_check
    staged: bool = True
    noun: str = "registration"
    memory_advice: str = "use --quality fast, or close other programs and run it again"
    grace_s: float = 0.5


def study(
    name: str,
    summary: str,
    examples: str,
    add_arguments: Callable[[ArgumentParser], None],
    check: Callable[[Namespace], None],
    run: Callable[[Namespace, Reporter], None],
) -> Subcommand:
    """A measurement over many patients, whose folder keeps what is done so that it can go on."""
    return Subcommand(
        name,
        summary,
        examples,
        add_arguments,
        run,
        check,
        staged=False,
        noun="study",
        memory_advice="close other programs and run it again",
    )
