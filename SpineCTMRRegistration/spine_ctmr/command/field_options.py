"""Options of `spine-ctmr register` that make a displacement the result as it is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..choices import DEFAULT_QUALITY
from ..errors import InputError
from ..process.device import Notice
from .options import whole_number

if TYPE_CHECKING:
    from ..field_registration import FieldFinder

INSTANCE = "instance"
"""The quality that minimises the losses of a recipe on the patient."""
MOST_STEPS = 100_000


def add_field_options(parser: ArgumentParser) -> None:
    """Declare them; read back by `field_finder`."""
    group = parser.add_argument_group(
        "displacements as they are", "to see and measure them: no vertebra is refined, none is exactly rigid"
    )
    group.add_argument(
        "--network-only", action="store_true", help="the result is the displacement of the network alone"
    )
    group.add_argument(
        "--losses",
        metavar="RECIPE",
        help=f"recipe whose losses --quality {INSTANCE} minimises on this patient, from the displacement of "
        "--network, or from no motion without it",
    )
    group.add_argument(
        "--steps", type=whole_number(1, MOST_STEPS), metavar="N", help="of that optimisation (default: 200)"
    )


def check_field_options(arguments: Namespace) -> None:
    """Refuse what does not go together.

    Raises:
        InputError: the options contradict each other.
    """
    instance = arguments.quality == INSTANCE
    if arguments.network_only and arguments.quality != DEFAULT_QUALITY:
        raise InputError(
            f"--network-only refines nothing, so --quality {arguments.quality} has no meaning; leave one out."
        )
    if instance and arguments.losses is None:
        raise InputError(f"--quality {INSTANCE} needs losses; give a recipe with --losses.")
    for name in ("losses", "steps"):
        if getattr(arguments, name) is not None and not instance:
            raise InputError(f"--{name} is for --quality {INSTANCE}; add that or leave out --{name}.")


def field_finder(arguments: Namespace, notice: Notice) -> FieldFinder | None:
    """What finds the displacement that was asked for; None for the whole method.

    Raises:
        InputError: recipe or network cannot be used.
    """
    if not arguments.network_only and arguments.quality != INSTANCE:
        return None

    from ..field_registration import NetworkField
    from ..network.runtime import load_network

    def network() -> NetworkField:
        return NetworkField(load_network(arguments.network, arguments.device, arguments.threads or 0, notice))

    if arguments.network_only:
        return network()

    from ..research.instance import STEPS, InstanceField
    from ..research.training.recipe_file import find_recipe, load_recipe

    recipe = load_recipe(find_recipe(arguments.losses))
    begun = None if arguments.network is None else network()
    return InstanceField(recipe, arguments.steps or STEPS, begun)
