"""What the numbers of a label map can mean, for a program that lets its user choose.

Loads nothing heavy by itself, so that the panel in 3D Slicer can import it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .vertebra_names import vertebra_name

if TYPE_CHECKING:
    from .label_shapes import LabelShape

STEP_MM = 1.5
"""Labels are looked at on voxels about this far apart: a whole body has 200 million."""


@dataclass(frozen=True)
class Numbering:
    """What the labels of a label map can mean.

    Attributes:
        choices: VerSe number by label, by whose numbers they are; those that are anatomically possible.
        taken: the one that was recognised or chosen; "" if none is sure.
        problem: why none is, as one sentence; else "".
    """

    choices: Mapping[str, Mapping[int, int]]
    taken: str
    problem: str = ""

    @property
    def levels(self) -> Mapping[int, int]:
        """VerSe number by label; nothing while none is sure."""
        return self.choices.get(self.taken, {})

    def previews(self) -> dict[str, str]:
        """What each choice makes of the first and the last label, such as "16 = C6 … 21 = T1"."""
        return {name: _preview(levels) for name, levels in self.choices.items()}


def recognised(
    voxels: NDArray[Any], index_to_lps: NDArray[Any], labels: Collection[int], name: str, choice: str
) -> Numbering:
    """The numbering of a label map.

    Args:
        voxels: (z, y, x).
        index_to_lps: (4, 4) from index (x, y, z) to LPS mm.
        labels: its values without the background.
        name: what to call it in messages.
        choice: what to call the user's choice there.
    """
    from .scheme_choice import choose, possible

    if not labels:
        return Numbering({}, "")
    shapes = _shapes(voxels, index_to_lps, labels)
    choices = {reading.scheme.title: reading.levels for reading in possible(labels, shapes)[0]}
    try:
        return Numbering(choices, choose(labels, shapes, name, choice).scheme.title)
    except InputError as error:
        problem = str(error).rpartition(";")[0]
        mend = (
            f"say with {choice} what they mean" if choices else "name them in the table or its colour table"
        )
        return Numbering(choices, "", f"{problem}; {mend}.")


def _shapes(
    voxels: NDArray[Any], index_to_lps: NDArray[Any], labels: Collection[int]
) -> dict[int, LabelShape]:
    """Shapes of the labels that can be vertebrae, from every few voxels."""
    from ..geometry.grid import Grid
    from .label_shapes import label_shapes
    from .label_voxels import voxels_where
    from .scheme_choice import readable

    steps = np.maximum(1, np.floor(STEP_MM / np.linalg.norm(index_to_lps[:3, :3], axis=0))).astype(int)
    coarse = np.ascontiguousarray(voxels[:: steps[2], :: steps[1], :: steps[0]])
    axes = index_to_lps[:3, :3] * steps
    dx, dy, dz = spacing = np.linalg.norm(axes, axis=0)
    x, y, z = index_to_lps[:3, 3].tolist()
    nz, ny, nx = coarse.shape
    direction = tuple((axes / spacing).ravel().tolist())
    grid = Grid((nx, ny, nz), (float(dx), float(dy), float(dz)), (x, y, z), direction)
    wanted = [label for scheme in readable(labels) for label in scheme.reads(labels)]
    return label_shapes(voxels_where(coarse, np.isin(coarse.reshape(-1), wanted), grid))


def _preview(levels: Mapping[int, int]) -> str:
    named = [f"{label} = {vertebra_name(number)}" for label, number in levels.items()]
    return named[0] if len(named) == 1 else f"{named[0]} … {named[-1]}"
