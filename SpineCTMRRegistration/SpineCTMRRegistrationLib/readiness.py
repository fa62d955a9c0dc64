"""What is missing before a registration can start, in one sentence."""

from __future__ import annotations

from spine_ctmr.errors import InputError

from .nodes import matrix_to_world
from .parameters import Parameters, chosen_inputs, chosen_outputs, input_nodes, segment_names
from .result_nodes import check_outputs
from .scene import landmark_names
from .segments import no_labels, numbering_in, segments_of
from .vertebra_table import SegmentRow, missing, segment_rows


def missing_input(parameters: Parameters) -> str | None:
    """The first thing that keeps these parameters from being registered; None if nothing does."""
    if parameters.ct is None:
        return "Choose the CT."
    if parameters.mr is None:
        return "Choose the MR."
    if parameters.ct is parameters.mr:
        return "CT and MR are the same volume; choose two different ones."
    if parameters.vertebrae is None:
        return "Choose the segmentation of the vertebrae in the CT."
    if parameters.mrVertebrae is parameters.vertebrae:
        return "The same segmentation is chosen for CT and MR; choose another one or 'Find automatically'."
    if problem := no_labels(parameters.vertebrae) or no_labels(parameters.mrVertebrae):
        return problem
    if parameters.mrVertebrae is not None and not mr_names(parameters):
        return (
            f"'{parameters.mrVertebrae.GetName()}' says of no vertebra where it is in the MR; place the "
            "centres, or choose 'Find automatically'."
        )
    return (
        _unclear_numbers(parameters)
        or missing(rows(parameters))
        or _bent_input(parameters)
        or _unusable_outputs(parameters)
    )


def rows(parameters: Parameters) -> list[SegmentRow]:
    """The input table: the segments of the CT and what they were read as."""
    if parameters.vertebrae is None:
        return []
    named = segment_names(parameters)
    return segment_rows(segments_of(parameters.vertebrae), named, mr_names(parameters))


def mr_names(parameters: Parameters) -> list[str] | None:
    """What the MR's points or segments are called; None if the level is found by the images."""
    nodes = input_nodes(parameters)
    if nodes.mr_landmarks is not None:
        return landmark_names(nodes.mr_landmarks)
    if nodes.mr_vertebrae is not None:
        named = segment_rows(segments_of(nodes.mr_vertebrae))
        return [row.vertebra or row.name for row in named]
    return None


def _unclear_numbers(parameters: Parameters) -> str | None:
    """Why the labels of a label map say nothing, and the user has not said it either."""
    for node, named in ((parameters.vertebrae, rows(parameters)), (parameters.mrVertebrae, [])):
        numbering = numbering_in(node)
        if numbering is not None and numbering.problem and not any(row.vertebra for row in named):
            return numbering.problem
    return None


def _bent_input(parameters: Parameters) -> str | None:
    """Why an image or a segmentation cannot be written in world coordinates; points can."""
    nodes = input_nodes(parameters)
    try:
        for node in (nodes.ct, nodes.mr, nodes.vertebrae, nodes.mr_vertebrae):
            if node is not None:
                matrix_to_world(node)
    except InputError as error:
        return str(error)
    return None


def _unusable_outputs(parameters: Parameters) -> str | None:
    outputs = chosen_outputs(parameters)
    if not outputs.wanted:
        return "Choose at least one output."
    try:
        check_outputs(outputs, [node for node in chosen_inputs(parameters) if node is not None])
    except InputError as error:
        return str(error)
    return None
