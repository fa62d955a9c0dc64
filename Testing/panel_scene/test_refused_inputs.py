"""Inputs that cannot be registered: one sentence with the mend, from the panel or from the engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.errors import InputError
from SpineCTMRRegistrationLib.run import ENGINE
from SpineCTMRRegistrationLib.sample_data import SampleNodes
from SpineCTMRRegistrationLib.scene import InputNodes, write_inputs
from SpineCTMRRegistrationLib.segments import segments_of
from SpineCTMRRegistrationLib.vertebra_table import missing, segment_rows


def engine_says(nodes: InputNodes, folder: Path) -> str:
    """The error of the real command for these nodes."""
    (folder / "inputs").mkdir()
    files = write_inputs(nodes, folder / "inputs")
    words = ["register", str(files.ct), str(files.mr), "--vertebrae", str(files.vertebrae)]
    command = [sys.executable, "-m", ENGINE.name, *words, "--output", str(folder / "results")]
    done = subprocess.run(
        [*command, "--progress", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ENGINE.parent,
    )
    assert done.returncode == 2, done.stderr
    assert not (folder / "results").exists()
    (sentence,) = [line["error"] for line in map(json.loads, done.stdout.splitlines()) if "error" in line]
    return sentence


@pytest.mark.parametrize("node_class", ["vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"])
def test_several_values_per_voxel(
    host: BareSlicer, nodes: SampleNodes, tmp_path: Path, node_class: str
) -> None:
    """Colours, or time points of a 4-D file."""
    volume = host.scene.AddNewNodeByClass(node_class, "Perfusion")
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(4, 3)
    volume.SetAndObserveImageData(image)
    with pytest.raises(InputError, match=r'"Perfusion" has several values per voxel .* choose a volume with'):
        write_inputs(InputNodes(nodes.ct, volume, nodes.vertebrae), tmp_path)


def test_a_segmentation_whose_segments_are_empty(
    host: BareSlicer, nodes: SampleNodes, tmp_path: Path
) -> None:
    empty = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Nothing drawn yet")
    for name in ("L4", "L5"):
        empty.GetSegmentation().AddEmptySegment(name, name)
    inputs = InputNodes(nodes.ct, nodes.mr, empty)
    try:
        sentence = engine_says(inputs, tmp_path)
    except InputError as error:
        sentence = str(error)
    assert sentence.count(". ") == 0
    assert "segment" in sentence or "label" in sentence


def test_two_segments_of_one_name(nodes: SampleNodes) -> None:
    nodes.vertebrae.GetSegmentation().GetSegment("L4").SetName("L5 vertebra")
    rows = segment_rows(segments_of(nodes.vertebrae))
    assert missing(rows) == "2 segments are named L5; keep one of them."


def test_a_volume_of_one_slice(host: BareSlicer, nodes: SampleNodes, tmp_path: Path) -> None:
    flat = slicer.util.arrayFromVolume(nodes.mr)[:1].astype(np.int16)
    volume = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Localizer")
    slicer.util.updateVolumeFromArray(volume, flat)
    sentence = engine_says(InputNodes(nodes.ct, volume, nodes.vertebrae), tmp_path)
    assert sentence.count(". ") == 0
