"""`spine-ctmr sign-off`: put a reader's decisions into a result."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import InputError
from ..results import names
from .options import require_file
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr sign-off result sign_off.json
  spine-ctmr sign-off result sign_off.json --overwrite

The file comes from the viewer (viewer.html in the result) or from Slicer, or is written by hand:
{"vertebrae": [{"vertebra": "L3", "decision": "accept", "remark": "..."}, ...]}; a decision is "accept",
"reject" or "". It is checked against the result and kept there as sign_off.json."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "result", type=Path, metavar="RESULT_DIR", help="folder that `spine-ctmr register` wrote"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="decisions, as the viewer saves them")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier sign-off")


def _check(arguments: Namespace) -> None:
    require_file("sign-off", arguments.file, "save it from the viewer or from Slicer")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..results.sign_off import read_sign_off, require_match, state, vertebrae_of, write_sign_off

    sign_off = read_sign_off(arguments.file)
    require_match(arguments.result, sign_off)
    kept = arguments.result / names.SIGN_OFF
    if kept.exists() and not arguments.overwrite and read_sign_off(kept) != sign_off:
        raise InputError(
            f"The result '{arguments.result}' has been signed before; add --overwrite to replace its "
            f"{kept.name}."
        )
    write_sign_off(kept, sign_off)
    vertebrae = vertebrae_of(arguments.result)
    decided = {one.vertebra: one.decision for one in sign_off.vertebrae}
    counts = [
        f"{sum(decided.get(name, '') == decision for name in vertebrae)} {word}"
        for decision, word in (("accept", "accepted"), ("reject", "rejected"), ("", "open"))
    ]
    reporter.message(
        f"Sign-off of {len(vertebrae)} vertebrae: {state(sign_off, vertebrae)} ({', '.join(counts)})."
    )


SUBCOMMAND = Subcommand(
    name="sign-off",
    summary="Put a reader's decisions on every vertebra, made in the viewer or in Slicer, into a result.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="sign-off",
    memory_advice="close other programs and run it again",
)
