"""Small things that MRML nodes need in several places."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from spine_ctmr.errors import InputError

LARGEST_SKEW = 1e-3
"""Cosine between the axes of an image above which they count as sheared; float noise is far below."""


def scene_nodes(scene: slicer.vtkMRMLScene, node_class: str) -> list[slicer.vtkMRMLNode]:
    """All nodes of a class."""
    return [scene.GetNthNodeByClass(i, node_class) for i in range(scene.GetNumberOfNodesByClass(node_class))]


def volume_in_world(node: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume outside the scene with the node's own voxels, in world coordinates.

    Raises:
        InputError: no voxels, or the transform is not linear or shears the image.
    """
    if node.GetImageData() is None:
        raise InputError(f'"{node.GetName()}" is empty; choose a loaded volume.')
    if node.GetImageData().GetNumberOfScalarComponents() != 1:
        raise InputError(
            f'"{node.GetName()}" has several values per voxel (colours or time points); '
            "choose a volume with one."
        )
    ijk_to_world = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_world)
    vtk.vtkMatrix4x4.Multiply4x4(matrix_to_world(node), ijk_to_world, ijk_to_world)
    axes = slicer.util.arrayFromVTKMatrix(ijk_to_world)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > LARGEST_SKEW:
        raise InputError(
            f'"{node.GetName()}" is sheared by its transform; resample it to a regular grid first.'
        )
    copy = node.NewInstance()
    copy.SetAndObserveImageData(node.GetImageData())
    copy.SetIJKToRASMatrix(ijk_to_world)
    return copy


def matrix_to_world(node: slicer.vtkMRMLTransformableNode) -> vtk.vtkMatrix4x4:
    """The node's parent transform as a matrix.

    Raises:
        InputError: it is not linear.
    """
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is None:
        return matrix
    if not parent.IsTransformToWorldLinear():  # to ask for the matrix would be an error in Slicer's log
        raise InputError(
            f'"{node.GetName()}" is under the non-linear transform "{parent.GetName()}"; '
            "harden it (Data module, right-click the node's transform) or take it out of the transform."
        )
    parent.GetMatrixTransformToWorld(matrix)
    return matrix


def refer(node: slicer.vtkMRMLNode, role: str, target: slicer.vtkMRMLNode | None) -> None:
    """Make a node reference, or remove it."""
    node.SetNodeReferenceID(role, target.GetID() if target is not None else None)


def interpolate_linearly(transform: slicer.vtkMRMLTransformNode) -> None:
    """Have MRML evaluate displacement fields as ITK does.

    MRML reads them for cubic interpolation, which overshoots where bone meets soft tissue (0.16 mm
    on a phantom); the fields are made for linear interpolation, which keeps bone exactly rigid.
    """
    for part in _parts(transform.GetTransformFromParent()):
        if part.IsA("vtkGridTransform"):
            part.SetInterpolationModeToLinear()


def _parts(transform: vtk.vtkAbstractTransform) -> list[vtk.vtkAbstractTransform]:
    if not transform.IsA("vtkGeneralTransform"):
        return [transform]
    count = transform.GetNumberOfConcatenatedTransforms()
    return [part for i in range(count) for part in _parts(transform.GetConcatenatedTransform(i))]


def copy_window(
    source: slicer.vtkMRMLScalarVolumeNode | None, target: slicer.vtkMRMLScalarVolumeNode
) -> None:
    """Show a warped image as its source is shown."""
    shown = source.GetScalarVolumeDisplayNode() if source is not None else None
    if shown is None:
        return
    display = target.GetScalarVolumeDisplayNode()
    display.SetAndObserveColorNodeID(shown.GetColorNodeID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(shown.GetWindow(), shown.GetLevel())


def remove_node(node: slicer.vtkMRMLNode) -> None:
    """Remove a node and the display and storage nodes that came with it."""
    own = [node]
    if node.IsA("vtkMRMLDisplayableNode"):
        own += [node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        own += [node.GetNthStorageNode(i) for i in range(node.GetNumberOfStorageNodes())]
    for each in own:
        if each is not None and each.GetScene() is not None:
            each.GetScene().RemoveNode(each)
