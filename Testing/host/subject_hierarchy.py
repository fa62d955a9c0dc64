"""The subject hierarchy with the plugins that a running Slicer has, and the Data module's tree of it.

Follows qSlicerSubjectHierarchyPluginLogic and the Segmentations plugin: a node gets its item when it comes
into the scene, a segment when its segmentation says that it was added.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

IN_TREE = (
    "vtkMRMLDisplayableNode",
    "vtkMRMLTransformNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
)
NOT_IN_TREE = ("vtkMRMLAbstractViewNode", "vtkMRMLCameraNode", "vtkMRMLColorNode")


class SubjectHierarchyPlugins:
    """Keeps the items of a scene's nodes and segments."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        for event, slot in (
            (scene.NodeAddedEvent, self._on_node),
            (scene.NodeAboutToBeRemovedEvent, self._on_removal),
            (scene.StartCloseEvent, self._on_close),
        ):
            scene.AddObserver(event, slot)
        for event in (scene.EndImportEvent, scene.EndBatchProcessEvent):
            scene.AddObserver(event, self._add_missing, 10.0)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node(self, scene: Any, event: str, node: Any) -> None:
        if not scene.IsImporting():
            self._add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_removal(self, scene: Any, event: str, node: Any) -> None:
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        item = _hierarchy(scene).GetItemByDataNode(node)
        if item:
            _hierarchy(scene).RemoveItem(item, False, False)

    def _on_close(self, scene: Any, event: str) -> None:
        """Otherwise MRML remembers the items of nodes by addresses that later nodes get."""
        _hierarchy(scene).RemoveAllItems(False)

    def _add_missing(self, *_: Any) -> None:
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(self._scene)
        for node in [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())]:
            self._add(node)

    def _add(self, node: Any) -> None:
        wanted = any(map(node.IsA, IN_TREE)) and not any(map(node.IsA, NOT_IN_TREE))
        if not wanted or node.GetHideFromEditors():
            return
        hierarchy = _hierarchy(self._scene)
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
        if node.IsA("vtkMRMLSegmentationNode") and not node.HasObserver(slicer.vtkSegmentation.SegmentAdded):
            node.AddObserver(slicer.vtkSegmentation.SegmentAdded, self._on_segment_added)
            node.AddObserver(slicer.vtkSegmentation.SegmentRemoved, self._on_segment_removed)
            self._match(node)

    @vtk.calldata_type(vtk.VTK_STRING)
    def _on_segment_added(self, node: Any, event: str, segment_id: str | None) -> None:
        if segment_id is None:
            self._match(node)
        elif segment_id not in _segment_items(node):
            self._add_segment(node, segment_id)

    @vtk.calldata_type(vtk.VTK_STRING)
    def _on_segment_removed(self, node: Any, event: str, segment_id: str | None) -> None:
        items = _segment_items(node)
        if segment_id is None:
            self._match(node)
        elif segment_id in items:
            _hierarchy(self._scene).RemoveItem(items[segment_id], False, False)

    def _match(self, node: Any) -> None:
        """As the plugin does when it is not told which segment came or went."""
        items, segmentation = _segment_items(node), node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
        for segment_id in items.keys() - set(ids):
            _hierarchy(self._scene).RemoveItem(items[segment_id], False, False)
        for segment_id in ids:
            if segment_id not in items:
                self._add_segment(node, segment_id)

    def _add_segment(self, node: Any, segment_id: str) -> None:
        hierarchy = _hierarchy(self._scene)
        constants = slicer.vtkMRMLSubjectHierarchyConstants
        level = constants.GetSubjectHierarchyVirtualBranchAttributeName()
        name = node.GetSegmentation().GetSegment(segment_id).GetName()
        item = hierarchy.CreateHierarchyItem(hierarchy.GetItemByDataNode(node), name, level)
        hierarchy.SetItemAttribute(item, node.GetSegmentIDAttributeName(), segment_id)


class DataTree:
    """The Data module after it was opened once: it goes on drawing, and complains in the log.

    Attributes:
        complaints: what the real tree was seen to print as errors.
    """

    def __init__(self, scene: Any) -> None:
        self.complaints: list[str] = []
        self._scene = scene
        self._scene_tag = scene.AddObserver(scene.EndCloseEvent, self._watch)
        self._watch()

    def close(self) -> None:
        """Slicer ends."""
        self._scene.RemoveObserver(self._scene_tag)
        self._watched.RemoveObserver(self._tag)

    def _watch(self, *_: Any) -> None:
        """A closed scene has another hierarchy."""
        self._watched = _hierarchy(self._scene)
        self._tag = self._watched.AddObserver(self._watched.SubjectHierarchyItemAddedEvent, self._on_item)

    def draw(self) -> None:
        """Every item, as when the user looks at the tree."""
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode", self._scene):
            for segment_id in _segment_items(node):
                if node.GetSegmentation().GetSegment(segment_id) is None:
                    self.complaints.append(f"Segmentation does not contain segment with ID {segment_id}")

    @vtk.calldata_type(vtk.VTK_INT)
    def _on_item(self, hierarchy: Any, event: str, item: int) -> None:
        """Folders that come while the scene is changed in a batch get into the tree's wrong order."""
        folder = hierarchy.GetItemDataNode(item) is None and hierarchy.GetItemLevel(item) == "Folder"
        if folder and self._scene.IsBatchProcessing():
            self.complaints.append(f"insertSubjectHierarchyItem: Item mismatch when inserting item {item}")


def _hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _segment_items(node: Any) -> dict[str, int]:
    """Subject hierarchy items by segment id."""
    hierarchy, children = _hierarchy(node.GetScene()), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetItemByDataNode(node), children, False)
    items = [children.GetId(i) for i in range(children.GetNumberOfIds())]
    attribute = node.GetSegmentIDAttributeName()
    return {hierarchy.GetItemAttribute(item, attribute): item for item in items}
