"""Which vertebrae the numbers of a label map volume mean, by the numberings of known programs."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from spine_ctmr.imaging.numbering import Numbering, recognised

from .whole_labels import whole_labels

CHOSEN = "SpineCTMRRegistration.Numbering"
"""Attribute of a label map volume: whose numbers the user said that its labels are."""
CHOICE = "the choice 'Numbers'"
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_FOUND: dict[str, tuple[tuple[object, ...], Numbering]] = {}
"""What was asked of a node's labels by its ID, and the answer: the panel asks at every change."""


def numbering_of(node: slicer.vtkMRMLLabelMapVolumeNode, labels: list[int]) -> Numbering:
    """The numbering of a label map volume whose `labels` have no names, as chosen, else as recognised."""
    image, matrix = node.GetImageData(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_lps = RAS_TO_LPS @ slicer.util.arrayFromVTKMatrix(matrix)
    asked = image.GetAddressAsString(""), image.GetMTime(), to_lps.tobytes(), node.GetName()
    if node.GetID() not in _FOUND or _FOUND[node.GetID()][0] != asked:
        _FOUND[node.GetID()] = (
            asked,
            recognised(whole_labels(node), to_lps, labels, f'"{node.GetName()}"', CHOICE),
        )
    found = _FOUND[node.GetID()][1]
    chosen = node.GetAttribute(CHOSEN) or ""
    return Numbering(found.choices, chosen) if chosen in found.choices else found
