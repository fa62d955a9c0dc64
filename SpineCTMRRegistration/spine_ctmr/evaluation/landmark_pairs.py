"""The same places marked in CT and MR, to measure the target registration error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..geometry.grid import Points
from ..imaging.landmarks import read_named_points
from ..imaging.vertebra_names import quoted_list
from ..json_files import read_json

EXAMPLE = '[{"name": "L4 tip", "ct": [x, y, z], "mr": [x, y, z]}, …] in LPS mm'
IN_MEMORY = '{"L4 tip": ((x, y, z) in the CT, (x, y, z) in the MR), …} in LPS mm'
KEYS = {"ct": ("ct", "ct_lps"), "mr": ("mr", "mr_lps")}


@dataclass(frozen=True)
class LandmarkPair:
    """One place in both images.

    Attributes:
        name: as written.
        ct: LPS mm (3,) in the CT.
        mr: LPS mm (3,) in the MR.
    """

    name: str
    ct: Points
    mr: Points


def read_landmark_pairs(paths: Sequence[Path]) -> list[LandmarkPair]:
    """Pairs from one JSON file of pairs, or from two files of points (CT, MR) with the same names.

    Raises:
        InputError: unreadable, no pair, a name twice, or unusable positions.
    """
    if len(paths) == 2:
        return _matched(Path(paths[0]), Path(paths[1]))
    path = Path(paths[0])
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    content = read_json(path, f"give {EXAMPLE}")
    entries = content.get("landmarks") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path} is not a list of landmark pairs; give {EXAMPLE}, or two files of points.")
    pairs = [_pair(entry, path) for entry in entries]
    names = [pair.name for pair in pairs]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path} names {double} twice; give every landmark its own name.")
    return pairs


def pairs_in_memory(points: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> list[LandmarkPair]:
    """Pairs from (CT point, MR point) in LPS mm by name.

    Raises:
        InputError: no pair, or unusable positions.
    """
    if not points:
        raise InputError(f"The landmarks hold no pair; give {IN_MEMORY}.")
    pairs = []
    for name, both in points.items():
        try:
            ct, mr = both
        except (TypeError, ValueError) as error:
            raise InputError(
                f'The landmarks have no pair of points for "{name}"; give {IN_MEMORY}.'
            ) from error
        pairs.append(_pair({"name": name, "ct": ct, "mr": mr}, "The landmarks"))
    return pairs


def left_out(ct: Path, mr: Path) -> tuple[str, ...]:
    """A sentence about the points of two files that have no partner, where there are any."""
    in_ct, in_mr = read_named_points(ct), read_named_points(mr)
    alone = sorted(in_ct.keys() ^ in_mr.keys())
    return (f"{quoted_list(alone)} have no partner and were left out.",) if alone else ()


def _matched(ct: Path, mr: Path) -> list[LandmarkPair]:
    in_ct, in_mr = read_named_points(ct), read_named_points(mr)
    common = [name for name in in_ct if name in in_mr]
    if not common:
        raise InputError(f"{ct} and {mr} have no point name in common; name the same places alike in both.")
    return [LandmarkPair(name, in_ct[name], in_mr[name]) for name in common]


def _pair(entry: Any, path: Path | str) -> LandmarkPair:
    if not isinstance(entry, dict):
        raise InputError(f"{path} holds an entry that is not a landmark pair; give {EXAMPLE}.")
    name = str(entry.get("name", ""))
    points = {}
    for side, keys in KEYS.items():
        position = next((entry[key] for key in keys if key in entry), None)
        try:
            points[side] = np.asarray(position, float)
        except (TypeError, ValueError):
            points[side] = np.empty(0)
        if points[side].shape != (3,) or not np.all(np.isfinite(points[side])):
            raise InputError(
                f'{path} has no three finite numbers for "{name}" in the {side.upper()}; give {EXAMPLE}.'
            )
    return LandmarkPair(name, points["ct"], points["mr"])
