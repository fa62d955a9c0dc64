"""From files to nodes: a folder of results, loaded into the scene.

The nodes live in world coordinates (RAS). `transform` is the CT's transform to the MR: from-parent is
the composite of mr_to_ct.h5, so that a CT image, segment, model or point put under it moves onto the MR.
A vertebra's linear transform does the same for that bone: to-parent is the rigid CT→MR pose.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import slicer
import vtk

from .jacobian_display import show_as_heatmap
from .nodes import copy_window, refer, remove_node
from .result_files import ResultFiles, reading_steps
from .result_folder import place_results
from .result_nodes import (
    CT_IN_MR,
    CT_PLACE,
    FRAME,
    JACOBIAN,
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
    check_outputs,
    chosen_nodes,
    results_of,
    role_of,
    sign,
)
from .result_table import fill_table
from .scene import Placement
from .segments import (
    VERTEBRA,
    Look,
    moved_segmentation,
    replace_vertebrae,
    segmentation_from,
    segments_of,
)
from .vertebra_table import segment_rows

VOLUMES = (CT_IN_MR, JACOBIAN, MR_IN_CT)
UNKNOWN_COLOR = (0.9, 0.8, 0.6)


@dataclass(frozen=True)
class SourceNodes:
    """The nodes that were registered; None for one that was deleted meanwhile.

    Attributes:
        placement: where they were when the registration started.
        overrides: vertebra name by segment id, as in `InputNodes`.
        parameter_set: with which they were chosen.
    """

    ct: slicer.vtkMRMLScalarVolumeNode | None
    mr: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode | None
    placement: Placement
    overrides: Mapping[str, str] = field(default_factory=dict)
    parameter_set: slicer.vtkMRMLNode | None = None


def load_results(
    scene: slicer.vtkMRMLScene, results: Path, sources: SourceNodes, outputs: Outputs
) -> ResultNodes:
    """Load a finished folder of results into the scene.

    Raises:
        InputError: a file is missing or unreadable, or an output is an input; the scene is as it was.
    """
    reading = reading_steps(results, wanted_volumes(outputs))
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return put_into_scene(scene, end.value, sources, outputs)


def wanted_volumes(outputs: Outputs) -> list[str]:
    """The images to read, the one that is looked at first in front."""
    return [key for key in VOLUMES if key in outputs.wanted]


def put_into_scene(
    scene: slicer.vtkMRMLScene, files: ResultFiles, sources: SourceNodes, outputs: Outputs
) -> ResultNodes:
    """Put what was read into the scene; when something fails, new nodes are removed.

    Raises:
        InputError: an output is an input.
    """
    check_outputs(outputs, [n for n in (sources.ct, sources.mr, sources.vertebrae) if n is not None])
    made: list[slicer.vtkMRMLNode] = []
    loader = _Loader(scene, files, sources, outputs, made)
    try:
        scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
        try:
            result = loader.load()
        finally:
            scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
        loader.place(result)  # a tree that is open cannot follow folders that come in a batch
    except BaseException:
        for node in reversed(made):
            remove_node(node)
        raise
    return result


class _Loader:
    """Puts the content of result files into nodes of the scene, and notes the nodes it makes.

    A new node comes into the scene when it has its content and attributes: whoever hears of it then
    knows what it is.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        files: ResultFiles,
        sources: SourceNodes,
        outputs: Outputs,
        made: list[slicer.vtkMRMLNode],
    ) -> None:
        self.scene, self.files, self.sources, self.outputs, self.made = scene, files, sources, outputs, made
        self.ct_name = sources.ct.GetName() if sources.ct is not None else "CT"
        self.mr_name = sources.mr.GetName() if sources.mr is not None else "MR"

    def load(self) -> ResultNodes:
        nodes = {key: self._load(key) for key in OPTIONAL_RESULTS if key in self.outputs.wanted}
        table = self._load_table()
        for key in OPTIONAL_RESULTS:
            refer(table, role_of(key), nodes.get(key))
        if CT_IN_MR in nodes:
            refer(nodes[CT_IN_MR], TRANSFORM_ROLE, nodes.get(TRANSFORM))
            nodes[CT_IN_MR].SetAttribute(CT_PLACE, self.sources.placement.ct_as_json())
        for node in (table, *nodes.values(), *self._load_poses(table)):
            sign(node, self.sources.ct, self.sources.mr, self.sources.parameter_set)
        return results_of(table)

    def place(self, result: ResultNodes) -> None:
        """Sort the nodes into the subject hierarchy."""
        title = f"Registration of {self.ct_name} to {self.mr_name}"
        nodes = [node for key in OPTIONAL_RESULTS if (node := vars(result)[key]) is not None]
        poses = result.vertebra_transforms.values()
        place_results(self.scene, title, self.sources.ct, result.table, nodes, poses)

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
        replace_vertebrae(node, self._segmentation())
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

    def _segmentation(self) -> slicer.vtkSegmentation:
        """The moved vertebrae, with names and colours of the source's segments.

        The source's own voxels where it has them: they are finer than the label map on the MR's grid.
        """
        poses, source = self.files.poses, self.sources.vertebrae
        rows = [] if source is None else segment_rows(segments_of(source), self.sources.overrides)
        looks = {r.segment_id: Look(r.vertebra, r.name, r.color) for r in rows if r.vertebra in poses}
        if source is not None and source.IsA("vtkMRMLSegmentationNode"):
            motions = {name: pose.ct_to_mr for name, pose in poses.items()}
            moved = moved_segmentation(source, looks, motions, self.sources.placement.vertebrae_to_world)
            if moved is not None:
                return moved
        known = {look.vertebra: look for look in looks.values()}
        every = {name: known.get(name, Look(name, name, UNKNOWN_COLOR)) for name in poses}
        return segmentation_from(self.files.labels, every)

    def _load_poses(self, table: slicer.vtkMRMLTableNode) -> list[slicer.vtkMRMLLinearTransformNode]:
        """One linear transform per vertebra; those of the table's earlier run are used again."""
        earlier = dict(results_of(table).vertebra_transforms)
        table.RemoveNodeReferenceIDs(POSES)
        nodes = []
        for name, pose in self.files.poses.items():
            node = earlier.pop(name, None) or self._new("vtkMRMLLinearTransformNode", f"{name} to MR")
            node.SetAttribute(VERTEBRA, name)
            node.SetAttribute(FRAME, json.dumps({"center": pose.center.tolist(), "axes": pose.axes.tolist()}))
            node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(pose.ct_to_mr))
            self._enter(node)
            self._refer_to_sources(node)
            table.AddNodeReferenceID(POSES, node.GetID())
            nodes.append(node)
        for node in earlier.values():
            remove_node(node)
        return nodes

    def _refer_to_sources(self, transform: slicer.vtkMRMLTransformNode) -> None:
        refer(transform, transform.GetFixedNodeReferenceRole(), self.sources.mr)
        refer(transform, transform.GetMovingNodeReferenceRole(), self.sources.ct)

    def _target(self, key: str, name: str) -> slicer.vtkMRMLNode:
        """The chosen node for a result, in world coordinates, or a new one that is not in the scene yet."""
        node = chosen_nodes(self.outputs).get(key)
        if node is None:
            return self._new(NODE_CLASSES[key], name)
        if node.IsA("vtkMRMLTransformableNode"):
            node.SetAndObserveTransformNodeID(None)
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
