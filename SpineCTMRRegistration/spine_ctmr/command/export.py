"""`spine-ctmr export`: a training run to a network file."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from ..errors import InputError
from .options import require_file
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr export run --output network
  spine-ctmr export run --output network --name my_network --measured phantoms.json --measured real.json
  spine-ctmr register ... --network network"""


def look_scale(text: str) -> float:
    """A share within the limits, from an argument's text."""
    from ..network.network_file import LOOK_SCALES

    least, most = LOOK_SCALES
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not least <= share <= most:
        raise ArgumentTypeError(f"'{text}' is no share from {least:g} to {most:g}")
    return share


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of `spine-ctmr train`")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to create: ONNX and safetensors files, their description, a model card in Markdown",
    )
    parser.add_argument("--name", help="of the network and its files (default: the recipe's)")
    parser.add_argument(
        "--measured",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="JSON file of measurements to put on the model card; may be repeated",
    )
    parser.add_argument(
        "--look-scale",
        type=look_scale,
        default=1.0,
        metavar="SHARE",
        help="spacing of the grid on which a registration shows it the spine, over that on which it learned; "
        "below 1 it sees all larger (default: 1)",
    )
    parser.set_defaults(overwrite=False)


def _check(arguments: Namespace) -> None:
    if not arguments.run.is_dir():
        raise InputError(f"The run '{arguments.run}' does not exist; give the folder of `spine-ctmr train`.")
    for path in arguments.measured:
        require_file("file of measurements", path, "give a JSON file")
    output: Path = arguments.output
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"The output folder '{output}' is not empty; choose another one.")
    if arguments.name is not None and (not arguments.name or set(arguments.name) & set("/\\:")):
        raise InputError(f"The name '{arguments.name}' cannot be used; leave out / \\ and :.")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("exporting", 0.0)

    from ..research.training.export import export

    export(arguments.run, arguments.output, arguments.name, arguments.measured, arguments.look_scale)
    reporter("exporting", 1.0)


SUBCOMMAND = Subcommand(
    name="export",
    summary="Write a trained network as ONNX and safetensors, checked, with its model card.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    noun="export",
    memory_advice="close other programs and run it again",
)
