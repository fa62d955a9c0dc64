"""The voxels of label map volumes as whole numbers; Slicer loads files of other numbers as they are."""

from __future__ import annotations

from typing import Any

import slicer
from numpy.typing import NDArray
from spine_ctmr.imaging.label_values import whole_numbers


def whole_labels(node: slicer.vtkMRMLScalarVolumeNode) -> NDArray[Any]:
    """The voxels (z, y, x) of a volume: its own where they are integers, else rounded copies.

    Raises:
        InputError: a value is not a whole number.
    """
    return whole_numbers(slicer.util.arrayFromVolume(node), f'"{node.GetName()}"')
