"""The command `spine-ctmr`: reads the arguments and has a worker process do the work.

The process that the user starts stays light: it checks the arguments, owns the temporary
output folder and watches the worker. The worker is the same command line with a marker in
its environment. Nothing heavy is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from ..errors import Cancelled, InputError
from ..process.explanation import explain, is_text, readable, unsaid_ending
from ..process.lifeline import be_worker, is_worker, leave, worker_environment
from ..process.memory import begin_blas
from ..process.staging import staged_directory
from ..process.streams import lost_output, secure_streams
from ..process.supervision import cancellation, supervise
from ..results.names import ADDED_LATER
from .options import limit_threads
from .parsing import build_parser
from .reporting import Reporter, make_reporter
from .subcommand import Subcommand
from .subcommands import subcommands

DONE, FAILED_CHECKS = 0, 3
MAY_BE_EMPTY = ("--case", "--ct-series", "--mr-series")
"""Options with a text that may say nothing."""
LIBRARY_SETTINGS = ("TQDM_", "TORCH_LOGS", "TORCHINDUCTOR_", "TORCHDYNAMO_")
"""Beginnings of the names of environment variables that are of no use here."""


class _WorkerStopped(Exception):
    """The worker has already said why it stopped."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `spine-ctmr` and return its exit code.

    0 = done, 1 = unexpected failure, 2 = wrong arguments (none at all show the help) or unusable input,
    3 = registration failed its own checks (results kept), 130 = cancelled.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    return run(words, subcommands(), [sys.executable, "-m", __package__.partition(".")[0]])


def run(words: Sequence[str], known: Sequence[Subcommand], worker: Sequence[str]) -> int:
    """Run the subcommand that `words` ask for.

    Args:
        words: the command line without the program's name.
        known: the subcommands to choose from.
        worker: the start of a command line that, followed by `words`, calls this function again.
    """
    secure_streams()
    _forget_settings_of_libraries()
    parser = build_parser(known)
    if not words:
        parser.print_help()
        return InputError.exit_code
    try:
        _check_words(words)
        arguments = parser.parse_args(words)
    except InputError as error:
        print(f"error: {readable(str(error))}", file=sys.stderr)
        return error.exit_code
    subcommand: Subcommand = arguments.subcommand
    reporter = make_reporter(arguments.progress)
    if is_worker():
        leave(_work(subcommand, arguments, reporter))
    return _oversee(subcommand, arguments, reporter, [*worker, *words])


def _check_words(words: Sequence[str]) -> None:
    """Refuse words that are no text, and empty ones, which a path would take for the current folder.

    Raises:
        InputError: a word is either.
    """
    for before, word in zip(["spine-ctmr", *words], words, strict=False):
        if not is_text(word):
            raise InputError(f"'{readable(word)}' has bytes that are no UTF-8; rename it.")
        if not word and before not in MAY_BE_EMPTY:
            raise InputError(f"The argument after '{before}' is empty; give a path or a value.")


def _forget_settings_of_libraries() -> None:
    """Forget variables of libraries that cannot be imported where they do not understand them."""
    for name in [name for name in os.environ if name.startswith(LIBRARY_SETTINGS)]:
        del os.environ[name]


def _work(subcommand: Subcommand, arguments: Namespace, reporter: Reporter) -> int:
    """The worker's side: do the work in the folder that the overseer chose."""
    staging = None
    limit_threads(arguments)
    try:
        staging = be_worker()
        if staging is not None:
            arguments.output = staging
        begin_blas()
        subcommand.run(arguments, reporter)
    except (Exception, KeyboardInterrupt) as error:
        explanation = explain(error, subcommand.noun, subcommand.memory_advice, staging)
        reporter.close()
        reporter.error(explanation.sentence)
        return explanation.exit_code
    reporter.close()
    if staging is None:
        _tell_lost_output("what was said is lost, files are complete")
    return DONE


def _oversee(subcommand: Subcommand, arguments: Namespace, reporter: Reporter, worker: Sequence[str]) -> int:
    """The user's side: check, stage, start the worker, publish its results, explain its end."""
    with cancellation(watch_input=arguments.cancel_on_eof) as cancelled:
        try:
            subcommand.check(arguments)
            if not subcommand.staged:
                return _supervised(subcommand, worker, None, cancelled)
            output = Path(os.path.abspath(arguments.output))
            with staged_directory(output, arguments.overwrite, ADDED_LATER, reporter.warning) as staging:
                code = _supervised(subcommand, worker, staging, cancelled)
        except _WorkerStopped as stopped:
            return stopped.exit_code
        except (Exception, KeyboardInterrupt) as error:
            explanation = explain(error, subcommand.noun, subcommand.memory_advice, None)
            reporter.error(explanation.sentence)
            return explanation.exit_code
    reporter.result(output)
    _tell_lost_output(f"the results are in '{output}'")
    return code


def _tell_lost_output(rest: str) -> None:
    if reason := lost_output():
        print(f"warning: Standard output cannot be written ({reason}); {rest}.", file=sys.stderr)


def _supervised(subcommand: Subcommand, worker: Sequence[str], staging: Path | None, cancelled: Event) -> int:
    """The exit code of a worker whose results are worth keeping: 0 or 3.

    Raises:
        Cancelled: the user asked to stop.
        SpineError: the worker crashed, got stuck on a file, or was ended by the system.
        _WorkerStopped: the worker stopped and said why.
    """
    ending = supervise(worker, worker_environment(staging), cancelled, subcommand.grace_s)
    if ending.told in (DONE, FAILED_CHECKS) and (staging is None or any(staging.iterdir())):
        return ending.told
    if ending.told is not None:
        raise _WorkerStopped(ending.told)
    if cancelled.is_set():
        raise Cancelled("Cancelled.")
    raise unsaid_ending(ending, subcommand.noun, subcommand.memory_advice)
