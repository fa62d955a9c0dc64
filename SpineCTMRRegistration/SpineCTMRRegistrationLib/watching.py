"""Following what happens inside nodes, such as a segment that is renamed or a point that is placed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import slicer
import vtk


class Watcher:
    """Calls back whenever one of the watched nodes tells of an event."""

    def __init__(
        self, on_change: Callable[[Any, Any], None], events_of: Callable[[Any], Sequence[int]]
    ) -> None:
        """Watch nothing yet.

        Args:
            on_change: called with the node and the event.
            events_of: the events of a node that count.
        """
        self._on_change, self._events_of = on_change, events_of
        self._nodes: list[slicer.vtkMRMLNode] = []
        self._tags: list[tuple[slicer.vtkMRMLNode, int]] = []

    def watch(self, nodes: Iterable[slicer.vtkMRMLNode | None]) -> None:
        """Watch these nodes and no others; None is left out."""
        chosen = list(dict.fromkeys(node for node in nodes if node is not None))
        if chosen == self._nodes:
            return
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._nodes = chosen
        self._tags = [
            (node, node.AddObserver(event, self._on_change))
            for node in chosen
            for event in self._events_of(node)
        ]


def modifications(node: slicer.vtkMRMLNode) -> list[int]:
    """Anything that is set in a node."""
    return [vtk.vtkCommand.ModifiedEvent]


def contents(node: slicer.vtkMRMLNode) -> list[int]:
    """Content and parent transform of an input; the voxels of images do not count."""
    if node.IsA("vtkMRMLVolumeNode") and not node.IsA("vtkMRMLLabelMapVolumeNode"):
        return [node.TransformModifiedEvent]
    events = node.GetContentModifiedEvents()
    own = [events.GetValue(index) for index in range(events.GetNumberOfValues())]
    return [*own, node.TransformModifiedEvent]
