"""What the user chose. One parameter node is one parameter set; all of it is saved with the scene."""

from __future__ import annotations

import enum
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Union

import slicer
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from .request import RunOptions
from .result_nodes import CT_IN_MR, JACOBIAN, MR_IN_CT, TRANSFORM, VERTEBRAE, Outputs
from .scene import InputNodes


class Quality(enum.Enum):
    """Accuracy against time and memory."""

    FAST = "fast"
    STANDARD = "standard"
    BEST = "best"

    def label(self) -> str:
        return self.value.capitalize()


class Device(enum.Enum):
    """Where network, vertebrae, soft tissue and deformation are computed."""

    AUTO = "auto"
    CUDA = "cuda"
    CPU = "cpu"

    def label(self) -> str:
        return "Auto" if self is Device.AUTO else self.value.upper()


# Slicer's wrapper understands typing.Union with None, and no `A | B`.
LabelNode = Union[slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
MrVertebraeNode = Union[  # noqa: UP007
    slicer.vtkMRMLMarkupsFiducialNode, slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLLabelMapVolumeNode, None
]


@parameterNodeWrapper
class Parameters:
    """Inputs, outputs and settings of one registration.

    Attributes:
        mrVertebrae: point list or segmentation of the MR; None to find the level automatically.
        segmentNames: vertebra by segment id, where the user said what a segment is.
        namedVertebrae: whose segments `segmentNames` are; others have segments with the same ids.
        wantTransform: whether to make the transform; likewise the other outputs.
        transform: node to replace, None for a new one; likewise the other outputs.
        table: quality table of the last result.
        threads: 0 for all cores.
        network: file, "" for the bundled one.
        opacity: of what lies over the MR.
    """

    ct: slicer.vtkMRMLScalarVolumeNode
    mr: slicer.vtkMRMLScalarVolumeNode
    vertebrae: LabelNode
    mrVertebrae: MrVertebraeNode
    segmentNames: dict[str, str]
    namedVertebrae: LabelNode
    wantTransform: bool = True
    wantCtInMr: bool = True
    wantMrInCt: bool = True
    wantVertebraeInMr: bool = True
    wantJacobian: bool = True
    transform: slicer.vtkMRMLTransformNode
    ctInMr: slicer.vtkMRMLScalarVolumeNode
    mrInCt: slicer.vtkMRMLScalarVolumeNode
    vertebraeInMr: slicer.vtkMRMLSegmentationNode
    jacobian: slicer.vtkMRMLScalarVolumeNode
    table: slicer.vtkMRMLTableNode
    quality: Quality = Quality.STANDARD
    device: Device = Device.AUTO
    threads: Annotated[int, WithinRange(0, 1024)] = 0
    seed: Annotated[int, WithinRange(0, 2147483647)] = 0
    network: str = ""
    opacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5


OUTPUTS = {
    TRANSFORM: ("wantTransform", "transform"),
    CT_IN_MR: ("wantCtInMr", "ctInMr"),
    MR_IN_CT: ("wantMrInCt", "mrInCt"),
    VERTEBRAE: ("wantVertebraeInMr", "vertebraeInMr"),
    JACOBIAN: ("wantJacobian", "jacobian"),
}
"""For every optional result, the parameters that say whether it is wanted and in which node."""


NODES = {
    "ct": "CT",
    "mr": "MR",
    "vertebrae": "vertebrae in CT",
    "mrVertebrae": "vertebrae in MR",
    "transform": "transform",
    "ctInMr": "CT in MR",
    "mrInCt": "MR in CT",
    "vertebraeInMr": "moved vertebrae",
    "jacobian": "heatmap",
    "table": "result",
}
"""What the panel calls the parameters that are nodes."""


def parameters_in(node: slicer.vtkMRMLScriptedModuleNode) -> Parameters:
    """The parameters that a node holds; defaults are written into it where it holds nothing yet."""
    return Parameters(node)  # type: ignore[call-arg]  # the wrapper gives it this constructor


def node_of(parameters: Parameters) -> slicer.vtkMRMLScriptedModuleNode:
    """The node that holds the parameters; the wrapper puts it there."""
    return vars(parameters)["parameterNode"]


def has_inputs(parameters: Parameters) -> bool:
    """Whether the user has chosen an image."""
    return parameters.ct is not None or parameters.mr is not None


def chosen(parameters: Parameters, name: str) -> slicer.vtkMRMLNode | None:
    """The node of one of `NODES`."""
    return getattr(parameters, name)


def chosen_inputs(parameters: Parameters) -> list[slicer.vtkMRMLNode | None]:
    """CT, MR, and what tells the vertebrae of each."""
    return [parameters.ct, parameters.mr, parameters.vertebrae, parameters.mrVertebrae]


def segment_names(parameters: Parameters) -> dict[str, str]:
    """Vertebra by segment id, where the user named segments of the chosen segmentation."""
    known = parameters.namedVertebrae is parameters.vertebrae
    return dict(parameters.segmentNames.items()) if known else {}


def name_segment(parameters: Parameters, segment_id: str, vertebra: str) -> None:
    """Note which vertebra a segment of the chosen segmentation is ("" for none), and no other's."""
    names = {**segment_names(parameters), segment_id: vertebra}
    parameters.segmentNames = names
    parameters.namedVertebrae = parameters.vertebrae


def forget_names(parameters: Parameters, present: Collection[str]) -> None:
    """Keep the names of these segments only: a new segment may get the id of one that was removed."""
    names = segment_names(parameters)
    kept = {segment_id: name for segment_id, name in names.items() if segment_id in present}
    if kept != names:
        parameters.segmentNames = kept


def forget(parameters: Parameters, node: slicer.vtkMRMLNode) -> list[str]:
    """Choose none wherever this node is chosen; what the panel calls those choices."""
    held = [name for name in NODES if chosen(parameters, name) is node]
    for name in held:
        setattr(parameters, name, None)
    return [NODES[name] for name in held]


def run_options(parameters: Parameters) -> RunOptions:
    """The settings as the command takes them."""
    return RunOptions(
        quality=parameters.quality.value,
        device=parameters.device.value,
        seed=parameters.seed,
        threads=parameters.threads or None,
        network=Path(parameters.network) if parameters.network.strip() else None,
    )


def input_nodes(parameters: Parameters) -> InputNodes:
    """The chosen inputs; every node that is needed must be chosen (see `readiness.missing_input`)."""
    given = parameters.mrVertebrae
    points = given is not None and given.IsA("vtkMRMLMarkupsFiducialNode")
    return InputNodes(
        ct=parameters.ct,
        mr=parameters.mr,
        vertebrae=parameters.vertebrae,
        mr_landmarks=given if points else None,
        mr_vertebrae=None if points else given,
        overrides=segment_names(parameters),
    )


def chosen_outputs(parameters: Parameters) -> Outputs:
    """Which results are wanted, and in which nodes."""
    wanted = frozenset(name for name, (want, _) in OUTPUTS.items() if getattr(parameters, want))
    nodes = {name: getattr(parameters, OUTPUTS[name][1]) for name in wanted}
    return Outputs(wanted, {name: node for name, node in nodes.items() if node is not None}, parameters.table)
