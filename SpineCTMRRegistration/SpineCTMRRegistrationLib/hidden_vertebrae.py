"""The CT's own vertebrae in slice views: hidden while the MR is looked at, where they lie elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import slicer

from .nodes import scene_nodes

FORMER = "SpineCTMRRegistration.FormerVisibility"
"""Attribute of a display node: whether it was drawn in slices ("1" or "0") before it was hidden."""
FORMER_LABELS = "SpineCTMRRegistration.FormerLabels"
"""Attribute of a slice view: the label map that it drew before."""


class HiddenVertebrae:
    """Hides segmentations and label maps as long as somebody wants it, and brings back what was there."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._wanted: dict[str, list[Any]] = {}

    def want(self, who: str, nodes: Collection[Any]) -> None:
        """Have these nodes hidden for `who`, and none that `who` wanted before."""
        self._wanted[who] = [node for node in nodes if node is not None]
        hidden = [node for wanted in self._wanted.values() for node in wanted]
        for display in scene_nodes(self._scene, "vtkMRMLSegmentationDisplayNode"):
            _set_hidden(display, display.GetDisplayableNode() in hidden)
        labels = {node.GetID() for node in hidden if node.IsA("vtkMRMLLabelMapVolumeNode")}
        for composite in scene_nodes(self._scene, "vtkMRMLSliceCompositeNode"):
            _set_labels_hidden(composite, labels)


def _set_hidden(display: slicer.vtkMRMLSegmentationDisplayNode, hidden: bool) -> None:
    former = display.GetAttribute(FORMER)
    if hidden and former is None:
        display.SetAttribute(FORMER, str(int(display.GetVisibility2D())))
        display.SetVisibility2D(False)
    elif not hidden and former is not None:
        display.SetAttribute(FORMER, None)
        display.SetVisibility2D(former == "1")


def _set_labels_hidden(composite: slicer.vtkMRMLSliceCompositeNode, labels: Collection[str]) -> None:
    shown, former = composite.GetLabelVolumeID(), composite.GetAttribute(FORMER_LABELS)
    if shown in labels:
        composite.SetAttribute(FORMER_LABELS, shown)
        composite.SetLabelVolumeID(None)
    elif former is not None and former not in labels:
        composite.SetAttribute(FORMER_LABELS, None)
        if shown is None and composite.GetScene().GetNodeByID(former) is not None:
            composite.SetLabelVolumeID(former)
