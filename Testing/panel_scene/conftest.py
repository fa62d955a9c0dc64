"""A phantom patient under parent transforms, registered by the real command from nodes to nodes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from gears import slow_fixture
from host.subprocess_process import SubprocessProcess
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom
from spine_ctmr.phantoms.phantom_files import write_phantom
from SpineCTMRRegistrationLib import views
from SpineCTMRRegistrationLib.request import RunOptions, register_words
from SpineCTMRRegistrationLib.result_nodes import Outputs, ResultNodes, SourceNodes
from SpineCTMRRegistrationLib.results_in_scene import load_results
from SpineCTMRRegistrationLib.run import RESULTS, CommandRun, Finished
from SpineCTMRRegistrationLib.sample_data import SampleNodes, load_sample
from SpineCTMRRegistrationLib.scene import InputNodes, placement_of, write_inputs
from SpineCTMRRegistrationLib.source_vertebrae import source_vertebrae

PATIENT = PhantomOptions(
    levels=(23, 24),
    mr_spacing_mm=(1.5, 2.5),
    ct_spacing_mm=(1.25, 1.5),
    margin_mm=16.0,
    tilt_deg=9.0,
    truth_spacing_mm=2.0,
)


@dataclass(frozen=True)
class Patient:
    """A phantom and its files."""

    phantom: Phantom
    folder: Path


@dataclass(frozen=True)
class Registered:
    """What the command made of the patient placed in a scene by `place`.

    `ct_to_world` and `mr_to_world` are the parent transforms (4, 4), RAS mm.
    """

    results: Path
    ct_to_world: np.ndarray
    mr_to_world: np.ndarray


def motion(rotation_deg: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> np.ndarray:
    """A rigid motion (4, 4)."""
    transform = vtk.vtkTransform()
    transform.Translate(shift_mm)
    for angle, turn in zip(
        rotation_deg, (transform.RotateX, transform.RotateY, transform.RotateZ), strict=True
    ):
        turn(angle)
    return slicer.util.arrayFromVTKMatrix(transform.GetMatrix())


LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CT_PARENT, MR_PARENT = motion((4, -3, 8), (30, -50, 200)), motion((-5, 2, 3), (10, 20, 190))


def put_under(node: slicer.vtkMRMLTransformableNode, matrix: np.ndarray) -> slicer.vtkMRMLTransformNode:
    """Put a node under a new linear transform."""
    parent = node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", f"{node.GetName()} parent")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(parent.GetID())
    return parent


def place(host: BareSlicer, folder: Path) -> SampleNodes:
    """The patient in a scene: CT and its vertebrae, MR and its landmarks under parent transforms."""
    nodes = load_sample(host.scene, folder)
    for leader, follower, matrix in (
        (nodes.ct, nodes.vertebrae, CT_PARENT),
        (nodes.mr, nodes.mr_landmarks, MR_PARENT),
    ):
        follower.SetAndObserveTransformNodeID(put_under(leader, matrix).GetID())
    return nodes


@pytest.fixture(scope="session")
@slow_fixture
def patient(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    folder = tmp_path_factory.mktemp("phantom")
    phantom = make_phantom(41, PATIENT)
    write_phantom(phantom, folder)
    return Patient(phantom, folder)


@pytest.fixture(scope="session")
@slow_fixture
def registered(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    host = BareSlicer()
    nodes = place(host, patient.folder)
    inputs = InputNodes(nodes.ct, nodes.mr, nodes.vertebrae, nodes.mr_landmarks)
    kept = tmp_path_factory.mktemp("registered") / "results"
    process, work = SubprocessProcess(), tmp_path_factory.mktemp("work")
    run = CommandRun(process, sys.executable, work)
    failures: list[str] = []
    run.failed.connect(failures.append)

    def keep(finished: Finished) -> None:
        assert finished.failure is None
        shutil.move(finished.results, kept)

    run.finished.connect(keep)
    options = RunOptions(quality="fast", threads=2)
    run.start(lambda folder: register_words(write_inputs(inputs, folder), folder / RESULTS, options))
    assert process.wait(240)
    assert failures == []
    assert list(work.iterdir()) == []
    return Registered(kept, CT_PARENT, MR_PARENT)


@pytest.fixture
def host(tmp_path: Path) -> BareSlicer:
    return BareSlicer(tmp_path)


@pytest.fixture
def nodes(host: BareSlicer, patient: Patient) -> Iterator[SampleNodes]:
    yield place(host, patient.folder)
    host.scene.Clear(False)


@pytest.fixture
def sources(nodes: SampleNodes) -> SourceNodes:
    placement = placement_of(nodes.ct, nodes.vertebrae)
    at_start = source_vertebrae(nodes.ct, nodes.vertebrae, placement)
    return SourceNodes(nodes.ct, nodes.mr, nodes.vertebrae, placement, at_start)


@pytest.fixture
def result(host: BareSlicer, sources: SourceNodes, registered: Registered) -> ResultNodes:
    return load_results(host.scene, registered.results, sources, Outputs())


@pytest.fixture
def slices(host: BareSlicer) -> list[slicer.vtkMRMLSliceLogic]:
    return [host.add_slice(orientation) for orientation in ("Axial", "Sagittal", "Coronal")]


@pytest.fixture
def shown(host: BareSlicer, slices: list[slicer.vtkMRMLSliceLogic]) -> list[views.SliceView]:
    return views.slice_views(host.scene)
