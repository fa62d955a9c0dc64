"""The content of result files, put into nodes of the scene."""

from __future__ import annotations

import json

import slicer
import vtk

from .jacobian_display import show_as_heatmap
from .moved_vertebrae import MovedVertebrae
from .nodes import copy_window, refer, remove_node
from .result_files import ResultFiles
from .result_nodes import (
    CT_IN_MR,
    CT_PLACE,
    FRAME,
    JACOBIAN,
    MODELS,
    MR_IN_CT,
    NODE_CLASSES,
    OPTIONAL_RESULTS,
    POSES,
    RIGID_START,
    SOURCE_ROLE,
    TRANSFORM,
    TRANSFORM_ROLE,
    VERTEBRAE,
    Outputs,
    ResultNodes,
    SourceNodes,
    chosen_nodes,
    optional_nodes,
    results_of,
    role_of,
    sign,
    withdraw,
)
from .result_table import fill_table
from .segments import VERTEBRA, replace_vertebrae
from .study_folder import place_results
from .vertebra_models import color_model


class ResultLoader:
    """Puts the content of result files into nodes of the scene, and notes the nodes it makes.

    A new node comes into the scene when it has its content and attributes: whoever hears of it then
    knows what it is.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        files: ResultFiles,
        vertebrae: MovedVertebrae,
        sources: SourceNodes,
        outputs: Outputs,
        made: list[slicer.vtkMRMLNode],
    ) -> None:
        self.scene, self.files, self.vertebrae = scene, files, vertebrae
        self.sources, self.outputs, self.made = sources, outputs, made
        self.ct_name = sources.ct.GetName() if sources.ct is not None else "CT"
        self.mr_name = sources.mr.GetName() if sources.mr is not None else "MR"

    def load(self) -> ResultNodes:
        """Make or update all nodes of the result."""
        nodes = {key: self._load(key) for key in OPTIONAL_RESULTS if key in self.outputs.wanted}
        table = self._load_table()
        withdraw(list(nodes.values()), [table, *nodes.values()])
        for key in OPTIONAL_RESULTS:
            refer(table, role_of(key), nodes.get(key))
        if CT_IN_MR in nodes:
            refer(nodes[CT_IN_MR], TRANSFORM_ROLE, nodes.get(TRANSFORM))
            nodes[CT_IN_MR].SetAttribute(CT_PLACE, self.sources.placement.ct_as_json())
        refer(table, SOURCE_ROLE, self.sources.vertebrae)
        for node in (table, *nodes.values(), *self._load_poses(table), *self._load_models(table)):
            if node.IsA("vtkMRMLTransformableNode"):
                node.SetAndObserveTransformNodeID(None)  # it holds world coordinates
            sign(node, self.sources.ct, self.sources.mr, self.sources.parameter_set)
        return results_of(table)

    def place(self, result: ResultNodes) -> None:
        """Sort the nodes into the subject hierarchy."""
        title = f"Registration of {self.ct_name} to {self.mr_name}"
        nodes = list(optional_nodes(result).values())
        folders = {
            "Vertebra transforms": result.vertebra_transforms.values(),
            "Vertebra models": result.vertebra_models.values(),
        }
        place_results(self.scene, title, self.sources.ct, result.table, nodes, folders)

    def _load(self, key: str) -> slicer.vtkMRMLNode:
        loaders = {TRANSFORM: self._load_transform, VERTEBRAE: self._load_vertebrae}
        return loaders[key]() if key in loaders else self._load_volume(key)

    def _load_transform(self) -> slicer.vtkMRMLTransformNode:
        node = self._target(TRANSFORM, f"{self.ct_name} to MR")
        node.SetAndObserveTransformFromParent(self.files.transform.GetTransformFromParent())
        self._enter(node)
        self._refer_to_sources(node)
        return node

    def _load_vertebrae(self) -> slicer.vtkMRMLSegmentationNode:
        segments = self.sources.vertebrae
        name = segments.GetName() if segments is not None else "Vertebrae"
        node = self._target(VERTEBRAE, f"{name} in MR space")
        replace_vertebrae(node, self.vertebrae.segmentation)
        self._enter(node)
        refer(node, SOURCE_ROLE, segments)
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
            node.SetDisplayVisibility(False)  # views change only when the user asks
        return node

    def _load_volume(self, key: str) -> slicer.vtkMRMLScalarVolumeNode:
        names = {
            CT_IN_MR: f"{self.ct_name} in MR space",
            MR_IN_CT: f"{self.mr_name} in CT space",
            JACOBIAN: f"{self.ct_name} volume change",
        }
        node, read = self._target(key, names[key]), self.files.volumes[key]
        matrix = vtk.vtkMatrix4x4()
        read.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveImageData(read.GetImageData())
        self._enter(node)
        node.CreateDefaultDisplayNodes()
        if key == JACOBIAN:
            show_as_heatmap(node)
        else:
            copy_window(self.sources.ct if key == CT_IN_MR else self.sources.mr, node)
        return node

    def _load_table(self) -> slicer.vtkMRMLTableNode:
        table = self._target("table", f"{self.ct_name} registration quality")
        fill_table(table, self.files.quality)
        table.SetAttribute(RIGID_START, json.dumps(self.files.rigid_start.tolist()))
        self._enter(table)
        return table

    def _load_poses(self, table: slicer.vtkMRMLTableNode) -> list[slicer.vtkMRMLLinearTransformNode]:
        """One linear transform per vertebra; those of the table's earlier run are used again."""
        names = list(self.files.poses)
        nodes = self._for_each(table, POSES, names, "vtkMRMLLinearTransformNode", "to MR")
        for name, node in nodes.items():
            pose = self.files.poses[name]
            frame = {"center": pose.center.tolist(), "axes": self.vertebrae.axes[name].tolist()}
            node.SetAttribute(FRAME, json.dumps(frame))
            node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(pose.ct_to_mr))
            self._refer_to_sources(node)
        return list(nodes.values())

    def _load_models(self, table: slicer.vtkMRMLTableNode) -> list[slicer.vtkMRMLModelNode]:
        """One surface per vertebra, where the moved vertebrae are wanted."""
        surfaces = self.vertebrae.surfaces if VERTEBRAE in self.outputs.wanted else {}
        flags = {row.name: row.flag for row in self.files.quality.rows}
        names = [name for name in self.files.poses if name in surfaces]
        nodes = self._for_each(table, MODELS, names, "vtkMRMLModelNode", "in MR")
        for name, node in nodes.items():
            node.SetAndObservePolyData(surfaces[name])
            color_model(node, flags.get(name, ""))
        return list(nodes.values())

    def _for_each(
        self, table: slicer.vtkMRMLTableNode, role: str, names: list[str], node_class: str, noun: str
    ) -> dict[str, slicer.vtkMRMLNode]:
        """A node for each vertebra, referred to by the table; those of its earlier run are used again."""
        result = results_of(table)
        earlier = dict(result.vertebra_transforms if role == POSES else result.vertebra_models)
        table.RemoveNodeReferenceIDs(role)
        nodes = {}
        for name in names:
            node = earlier.pop(name, None) or self._new(node_class, f"{name} {noun}")
            node.SetAttribute(VERTEBRA, name)
            self._enter(node)
            table.AddNodeReferenceID(role, node.GetID())
            nodes[name] = node
        for node in earlier.values():
            remove_node(node)
        return nodes

    def _refer_to_sources(self, transform: slicer.vtkMRMLTransformNode) -> None:
        refer(transform, transform.GetFixedNodeReferenceRole(), self.sources.mr)
        refer(transform, transform.GetMovingNodeReferenceRole(), self.sources.ct)

    def _target(self, key: str, name: str) -> slicer.vtkMRMLNode:
        """The chosen node for a result, or a new one that is not in the scene yet."""
        node = chosen_nodes(self.outputs).get(key)
        if node is None:
            return self._new(NODE_CLASSES[key], name)
        return node

    def _new(self, node_class: str, name: str) -> slicer.vtkMRMLNode:
        node = self.scene.CreateNodeByClass(node_class)
        node.UnRegister(None)
        node.SetName(self.scene.GenerateUniqueName(name))
        return node

    def _enter(self, node: slicer.vtkMRMLNode) -> None:
        if node.GetScene() is None:
            self.made.append(node)
            self.scene.AddNode(node)
