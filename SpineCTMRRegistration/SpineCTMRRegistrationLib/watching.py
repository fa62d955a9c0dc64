"""Following what happens inside nodes, such as a segment that is renamed or a point that is placed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import slicer


class ContentWatcher:
    """Calls back whenever the content or the parent transform of one of the watched nodes changes."""

    def __init__(self, on_change: Callable[[Any, Any], None]) -> None:
        self._on_change = on_change
        self._nodes: list[slicer.vtkMRMLNode] = []
        self._tags: list[tuple[slicer.vtkMRMLNode, int]] = []

    def watch(self, nodes: Iterable[slicer.vtkMRMLNode | None]) -> None:
        """Watch these nodes and no others; None is left out. The voxels of images are not watched."""
        chosen = list(dict.fromkeys(node for node in nodes if node is not None))
        if chosen == self._nodes:
            return
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._nodes = chosen
        self._tags = [
            (node, node.AddObserver(event, self._on_change)) for node in chosen for event in _events(node)
        ]


def _events(node: slicer.vtkMRMLNode) -> list[int]:
    if node.IsA("vtkMRMLVolumeNode") and not node.IsA("vtkMRMLLabelMapVolumeNode"):
        return [node.TransformModifiedEvent]
    events = node.GetContentModifiedEvents()
    contents = [events.GetValue(index) for index in range(events.GetNumberOfValues())]
    return [*contents, node.TransformModifiedEvent]
