"""The phantom patient as sample data."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.command import phantom as phantom_command
from spine_ctmr.command.reporting import PlainReporter
from spine_ctmr.errors import InputError
from spine_ctmr.phantoms import phantom
from SpineCTMRRegistrationLib.process import OnBytes, OnEnded
from SpineCTMRRegistrationLib.run import CommandRun
from SpineCTMRRegistrationLib.sample_data import SampleMaker, load_sample

from .conftest import Patient


class CopyingProcess:
    """Stands for the command: puts finished files into the output folder, or fails."""

    def __init__(self, files: Path | None) -> None:
        self.files, self.started = files, False

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        self.started = True
        if self.files is not None:
            shutil.copytree(self.files, command[command.index("--output") + 1])
            on_output(b'{"stage": "done", "fraction": 1.0, "elapsed_s": 1.0, "remaining_s": 0.0}\n')
            on_ended(0)
        else:
            on_output(b'{"error": "The disk is full."}\n')
            on_ended(1)

    def end(self, grace_s: float) -> None: ...

    def wait(self, seconds: float) -> bool:
        return True


class Told:
    """A maker and what it told."""

    def __init__(self, host: BareSlicer, process: CopyingProcess, folder: Path) -> None:
        self.maker = SampleMaker(host.scene, folder, lambda: CommandRun(process, "python", folder.parent))
        self.heard: list[tuple[str, object]] = []
        for name in ("progressed", "loaded", "failed"):
            getattr(self.maker, name).connect(lambda content, name=name: self.heard.append((name, content)))
        self.maker.cancelled.connect(lambda: self.heard.append(("cancelled", None)))
        self.maker.start()


def test_the_sample_is_made_once(host: BareSlicer, patient: Patient, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    first = Told(host, CopyingProcess(patient.folder), temporary / "sample")
    assert [name for name, _ in first.heard] == ["progressed", "loaded"]
    again = CopyingProcess(patient.folder)
    assert [name for name, _ in Told(host, again, temporary / "sample").heard] == ["loaded"]
    assert not again.started
    assert [path.name for path in temporary.iterdir()] == ["sample"]
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2


def test_a_sample_that_cannot_be_made_says_why(host: BareSlicer, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    told = Told(host, CopyingProcess(None), temporary / "sample")
    assert told.heard == [("failed", "The disk is full.")]
    assert not told.maker.running
    assert list(temporary.iterdir()) == []


def test_the_sample_lies_where_the_files_say(host: BareSlicer, patient: Patient) -> None:
    nodes = load_sample(host.scene, patient.folder)
    true = patient.phantom.case.mr_centroids or {}
    labels = [nodes.mr_landmarks.GetNthControlPointLabel(i) for i in range(len(true))]
    assert labels == ["L4", "L5"]
    for i, center in enumerate(true.values()):
        ras = np.array(nodes.mr_landmarks.GetNthControlPointPositionWorld(i))
        assert np.allclose(ras * (-1, -1, 1), center, atol=2e-3)
    image = patient.phantom.case.vertebrae
    voxels = np.argwhere(sitk.GetArrayFromImage(image) == 23)
    low, high = voxels.min(axis=0)[::-1].tolist(), voxels.max(axis=0)[::-1].tolist()
    ends = [np.array(image.TransformIndexToPhysicalPoint(index)) * (-1, -1, 1) for index in (low, high)]
    assert np.allclose(nodes.vertebrae.GetSegmentCenterRAS("L4"), np.mean(ends, axis=0), atol=1.5)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes.ct))
    assert hierarchy.GetItemLevel(study) == "Study"


def test_an_incomplete_sample_is_refused(host: BareSlicer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not complete"):
        load_sample(host.scene, tmp_path)
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0


def test_the_command_writes_what_the_sample_needs(
    host: BareSlicer, patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []
    monkeypatch.setattr(phantom, "make_phantom", lambda seed, *rest: seeds.append(seed) or patient.phantom)
    phantom_command.SUBCOMMAND.run(Namespace(output=tmp_path, seed=3, threads=None), PlainReporter())
    assert seeds == [3]
    assert json.loads((tmp_path / "run.json").read_text())["phantom"] == {"seed": 3}
    assert load_sample(host.scene, tmp_path).ct.GetImageData() is not None
