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
from .result_files import ResultFiles, read_results
from .result_folder import place_results
from .result_nodes import (
    CT_IN_MR,
    CT_PLACE,
    CT_ROLE,
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
)
from .result_table import fill_table
from .scene import Placement
from .segments import VERTEBRA, Look, moved_segmentation, segmentation_from, segments_of
from .vertebra_table import segment_rows

VOLUMES = (CT_IN_MR, MR_IN_CT, JACOBIAN)
UNKNOWN_COLOR = (0.9, 0.8, 0.6)


@dataclass(frozen=True)
class SourceNodes:
    """The nodes that were registered; None for one that was deleted meanwhile.

    Attributes:
        placement: where they were when the registration started.
        overrides: vertebra name by segment id, as in `InputNodes`.
    """

    ct: slicer.vtkMRMLScalarVolumeNode | None
    mr: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode | None
    placement: Placement
    overrides: Mapping[str, str] = field(default_factory=dict)


def load_results(
    scene: slicer.vtkMRMLScene, results: Path, sources: SourceNodes, outputs: Outputs
) -> ResultNodes:
    """Load a finished folder of results into the scene.

    Existing nodes change only after all files were read; when something fails, new nodes are removed.

    Raises:
        InputError: a file is missing or unreadable.
    """
    check_outputs(outputs, [n for n in (sources.ct, sources.mr, sources.vertebrae) if n is not None])
    files = read_results(results, [key for key in VOLUMES if key in outputs.wanted])
    made: list[slicer.vtkMRMLNode] = []
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    try:
        return _Loader(scene, files, sources, outputs, made).load()
    except BaseException:
        for node in reversed(made):
            remove_node(node)
        raise
    finally:
        scene.EndState(slicer.vtkMRMLScene.BatchProcessState)


class _Loader:
    """Puts the content of result files into nodes of the scene, and notes the nodes it makes."""

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
        table = self._target("table", f"{self.ct_name} registration quality")
        fill_table(table, self.files.quality)
        table.SetAttribute(RIGID_START, json.dumps(self.files.rigid_start.tolist()))
        for key in OPTIONAL_RESULTS:
            refer(table, role_of(key), nodes.get(key))
        if CT_IN_MR in nodes:
            refer(nodes[CT_IN_MR], CT_ROLE, self.sources.ct)
            refer(nodes[CT_IN_MR], TRANSFORM_ROLE, nodes.get(TRANSFORM))
            nodes[CT_IN_MR].SetAttribute(CT_PLACE, self.sources.placement.ct_as_json())
        poses = self._load_poses(table)
        title = f"Registration of {self.ct_name} to {self.mr_name}"
        place_results(self.scene, title, self.sources.ct, table, nodes.values(), poses)
        return results_of(table)

    def _load(self, key: str) -> slicer.vtkMRMLNode:
        if key == TRANSFORM:
            node = self._target(key, f"{self.ct_name} to MR")
            node.SetAndObserveTransformFromParent(self.files.transform.GetTransformFromParent())
            self._refer_to_sources(node)
        elif key == VERTEBRAE:
            segments = self.sources.vertebrae
            name = segments.GetName() if segments is not None else "Vertebrae"
            node = self._target(key, f"{name} in MR space")
            node.SetAndObserveSegmentation(self._segmentation())
            refer(node, SOURCE_ROLE, segments)
            if node.GetDisplayNode() is None:
                node.CreateDefaultDisplayNodes()
                node.SetDisplayVisibility(False)  # views change only when the user asks
        else:
            node = self._load_volume(key)
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
        node.CreateDefaultDisplayNodes()
        if key == JACOBIAN:
            show_as_heatmap(node)
        else:
            copy_window(self.sources.ct if key == CT_IN_MR else self.sources.mr, node)
        return node

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
            node = earlier.pop(name, None) or self._add("vtkMRMLLinearTransformNode", f"{name} to MR")
            node.SetAttribute(VERTEBRA, name)
            node.SetAttribute(FRAME, json.dumps({"center": pose.center.tolist(), "axes": pose.axes.tolist()}))
            node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(pose.ct_to_mr))
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
        """The chosen node for a result, in world coordinates, or a new one."""
        node = chosen_nodes(self.outputs).get(key)
        if node is None:
            return self._add(NODE_CLASSES[key], name)
        if node.IsA("vtkMRMLTransformableNode"):
            node.SetAndObserveTransformNodeID(None)
        return node

    def _add(self, node_class: str, name: str) -> slicer.vtkMRMLNode:
        node = self.scene.AddNewNodeByClass(node_class, self.scene.GenerateUniqueName(name))
        self.made.append(node)
        return node
