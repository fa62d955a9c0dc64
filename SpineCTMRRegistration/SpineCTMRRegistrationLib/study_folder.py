"""Where results go in the subject hierarchy: a folder under the CT's study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import slicer


def place_results(
    scene: slicer.vtkMRMLScene,
    name: str,
    ct: slicer.vtkMRMLScalarVolumeNode | None,
    table: slicer.vtkMRMLTableNode,
    results: Iterable[slicer.vtkMRMLNode],
    inner: Mapping[str, Iterable[slicer.vtkMRMLNode]],
) -> None:
    """Put the nodes of a result into its folder; nodes that the user has put somewhere stay there.

    Args:
        scene: that holds the nodes.
        name: of the folder, if it is new.
        ct: its study is where a new folder goes; its folder if it has no study.
        table: the quality table; the folder that it already is in is used.
        results: go into the folder.
        inner: what goes into folders in it, by their names.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemParent(_item(hierarchy, table))
    if folder == hierarchy.GetSceneItemID():
        folder = hierarchy.CreateFolderItem(_study(hierarchy, ct), name)
    for node in (table, *results):
        _place(hierarchy, node, folder)
    for title, nodes in inner.items():
        inner_folder = hierarchy.GetItemChildWithName(folder, title)
        for node in nodes:
            inner_folder = inner_folder or hierarchy.CreateFolderItem(folder, title)
            _place(hierarchy, node, inner_folder)


def place_in_study(
    scene: slicer.vtkMRMLScene, patient: str, study: str, nodes: Iterable[slicer.vtkMRMLNode]
) -> None:
    """Put nodes into a new study of a new patient."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    subject = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), patient)
    item = hierarchy.CreateStudyItem(subject, study)
    for node in nodes:
        hierarchy.SetItemParent(_item(hierarchy, node), item)


def _place(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLNode, folder: int) -> None:
    item = _item(hierarchy, node)
    if hierarchy.GetItemParent(item) == hierarchy.GetSceneItemID():
        hierarchy.SetItemParent(item, folder)


def _study(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, ct: slicer.vtkMRMLScalarVolumeNode | None) -> int:
    item = hierarchy.GetItemByDataNode(ct) if ct is not None else 0
    if not item:
        return hierarchy.GetSceneItemID()
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelStudy()
    return hierarchy.GetItemAncestorAtLevel(item, level) or hierarchy.GetItemParent(item)


def _item(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLNode) -> int:
    """The item of a node; Slicer makes it when the node is added, a bare scene does not."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
