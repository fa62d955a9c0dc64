"""The kinds of networks that recipes and network files can name."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import InputError
from ..recipe_tables import read_table, unknown_name
from .acsgregnet import ACSGRegNetOptions
from .avoxelmorph import AVoxelMorphOptions
from .cao import CaoOptions
from .matching_unet import MatchingUNetOptions
from .motion import NetworkOptions
from .unet import VelocityUNetOptions
from .vanulsen import VanUlsenOptions

NETWORKS: dict[str, type[Any]] = {
    options.kind: options
    for options in (
        VelocityUNetOptions,
        MatchingUNetOptions,
        VanUlsenOptions,
        CaoOptions,
        AVoxelMorphOptions,
        ACSGRegNetOptions,
    )
}
"""The options of every kind, by the kind's name."""


def network_options(table: dict[str, Any]) -> NetworkOptions:
    """The options that a table with the key "kind" (by default "velocity_unet") describes.

    Raises:
        InputError: the kind or one of its options is unknown or unusable.
    """
    values = dict(table)
    kind = values.pop("kind", VelocityUNetOptions.kind)
    if not isinstance(kind, str) or kind not in NETWORKS:
        raise InputError(unknown_name("network.kind", kind, NETWORKS))
    options: NetworkOptions = read_table(NETWORKS[kind], values, "network.")
    return options


def network_table(options: NetworkOptions) -> dict[str, Any]:
    """The table that `network_options` reads."""
    return {"kind": options.kind, **dataclasses.asdict(options)}  # type: ignore[call-overload]
