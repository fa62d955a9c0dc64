"""Masks with names joined to one label map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.grid import Grid
from .case import VertebraLabels
from .joint_labels import JointLabels
from .label_map import vertebrae_in
from .label_schemes import LabelScheme
from .reading import Scan
from .slicer_segments import Segment, numbered_segments, values_in_names
from .vertebra_names import cranial_to_caudal


def joined(
    segments: Sequence[Segment],
    mask: Callable[[Segment], NDArray[Any]],
    grid: Grid,
    path: Path,
    scheme: LabelScheme | None,
    option: str,
) -> VertebraLabels:
    """The vertebrae of named masks; names that are only numbers count as the labels of a label map.

    Args:
        segments: what the masks are called.
        mask: the voxels (z, y, x) of one of them, not 0 inside.
        grid: where they are.
        path: where they come from, for messages.
        scheme: how numbers are meant; None to recognise it.
        option: that says the scheme, for messages.

    Raises:
        InputError: no vertebra among the names, one named twice, all empty, or impossible.
    """
    values = values_in_names(segments)
    if values:
        labels = np.zeros(grid.shape, np.int32)
        for segment, value in values.items():
            np.copyto(labels, value, where=(mask(segment) != 0) & (labels == 0))
        return vertebrae_in(Scan(grid.image(labels)), path, scheme, option)
    numbers, warnings = numbered_segments(list(segments), path)
    joint = JointLabels(grid)
    for number in cranial_to_caudal(set(numbers.values())):
        for segment in (s for s, n in numbers.items() if n == number):
            joint.add(number, mask(segment))
    return joint.finished(path, warnings)
