"""Where slices go and how they turn, without windows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.vertebra_names import vertebra_name
from SpineCTMRRegistrationLib import views
from SpineCTMRRegistrationLib.result_nodes import ResultNodes
from SpineCTMRRegistrationLib.vertebra_slices import bring_into_view, jump_to_vertebra, reset_orientation

from .conftest import LPS, MR_PARENT, Patient


@pytest.mark.parametrize("number", [23, 24])
def test_slices_turn_along_the_vertebra(
    shown: list[views.SliceView], result: ResultNodes, patient: Patient, number: int
) -> None:
    """Against the frame with which the phantom drew the vertebra (x left, y posterior, z cranial)."""
    jump_to_vertebra(shown, result, vertebra_name(number))
    anatomy = patient.phantom.anatomy
    frame = patient.phantom.poses[number] @ anatomy.frames[anatomy.numbers.index(number)]
    left, posterior, cranial = (MR_PARENT @ LPS @ frame.matrix)[:3, :3].T
    center = (MR_PARENT @ LPS @ np.array([*frame.apply(np.zeros(3)), 1]))[:3]
    normals = {"Axial": cranial, "Sagittal": -left, "Coronal": -posterior}
    rights = {"Axial": left, "Sagittal": posterior, "Coronal": left}
    for view, name in zip(shown, normals, strict=True):
        matrix = slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())
        assert np.linalg.norm(matrix[:3, 3] - center) < 6
        assert abs(matrix[:3, 2] @ normals[name]) > np.cos(np.radians(10))
        assert matrix[:3, 0] @ rights[name] > np.cos(np.radians(10))


def test_slices_turn_back(shown: list[views.SliceView], result: ResultNodes) -> None:
    before = [slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())[:3, :3] for view in shown]
    jump_to_vertebra(shown, result, "L4")
    reset_orientation(shown)
    after = [slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())[:3, :3] for view in shown]
    assert np.allclose(after, before)


def test_an_unknown_vertebra_is_refused(shown: list[views.SliceView], result: ResultNodes) -> None:
    with pytest.raises(InputError, match="no vertebra C3"):
        jump_to_vertebra(shown, result, "C3")


def test_a_slice_that_misses_the_spine_is_brought_there(
    host: BareSlicer, shown: list[views.SliceView], result: ResultNodes
) -> None:
    """Inside of the MR, but beside the vertebrae, or above all of them."""
    frame = json.loads(result.vertebra_transforms["L5"].GetAttribute("SpineCTMRRegistration.Frame"))
    center = np.array(frame["center"])
    axial, sagittal, coronal = (view.slice_node for view in shown)
    axial.JumpSliceByCentering(*np.add(center, [0, 0, 120]))
    sagittal.JumpSliceByCentering(*np.add(center, [30, 0, 0]))
    coronal.JumpSliceByCentering(*np.add(center, [0, 8, 3]))

    def distance(node: slicer.vtkMRMLSliceNode) -> float:
        return float(np.linalg.norm(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:3, 3] - center))

    bring_into_view(shown, result)
    assert distance(axial) < 1
    assert distance(sagittal) < 1
    assert distance(coronal) == pytest.approx(np.hypot(8, 3), abs=0.1)  # it showed L5 already
