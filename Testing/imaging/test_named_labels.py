"""Names of the labels in the header of a label map, or in the data set that it belongs to."""

import json
import struct

import pytest
from imaging.read_spines import labelled, read, refused
from imaging.spines import numbers_where, save, spine
from spine_ctmr.imaging.segmentation import read_vertebrae


def with_extension(path, text, code=0):
    """The file with a NIfTI header extension put in."""
    content = path.read_bytes()
    body = text.encode()
    size = -(-(len(body) + 8) // 16) * 16
    extension = b"\1\0\0\0" + struct.pack("<2i", size, code) + body.ljust(size - 8, b"\0")
    header = bytearray(content[:348])
    header[108:112] = struct.pack("<f", 348 + len(extension))
    path.write_bytes(bytes(header) + extension + content[352:])
    return path


CARET = (
    '<?xml version="1.0" encoding="UTF-8"?><CaretExtension><VolumeInformation Index="0"><LabelTable>'
    '<Label Key="2" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[vertebrae_L5]]></Label>\n'
    '<Label Key="3" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[vertebrae_L4]]></Label>\n'
    '<Label Key="4" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[vertebrae_L3]]></Label>\n'
    "</LabelTable></VolumeInformation></CaretExtension>"
)


@pytest.mark.parametrize(
    "text",
    [
        CARET,
        json.dumps({"labels": {"2": "L5", "3": "L4", "4": "L3"}}),
        '2 255 0 0 1 1 1 "L5"\n3 255 0 0 1 1 1 "L4"\n4 255 0 0 1 1 1 "L3"\n',
    ],
)
def test_names_in_the_header_decide(tmp_path, text):
    names = {4: "L3", 3: "L4", 2: "L5"}
    array = spine(names)
    path = with_extension(save(tmp_path / "a.nii", array), text, 30)
    found = read_vertebrae(path)
    assert numbers_where(found.image, array) == {4: 22, 3: 23, 2: 24}
    assert "names in its header" in found.warnings[0]


def test_names_in_the_header_that_cannot_be(tmp_path):
    path = with_extension(save(tmp_path / "a.nii", spine({2: "L", 3: "L", 4: "L"})), CARET)
    refused(path, "names in its header", "L3, L4, L5 run from tail to head")


@pytest.mark.parametrize("place", ["dataset.json", "labelsTr/../dataset.json"])
def test_nnunet_dataset_beside(tmp_path, place):
    folder = tmp_path / "labelsTr"
    folder.mkdir()
    target = folder / "dataset.json" if place == "dataset.json" else tmp_path / "dataset.json"
    target.write_text(json.dumps({"labels": {"background": 0, "L1": 1, "L2": 2, "L3": 3}, "numTraining": 3}))
    array = spine({1: "L1", 2: "L2", 3: "L3"})
    found = read_vertebrae(save(folder / "case_000.nii.gz", array))
    assert numbers_where(found.image, array) == {1: 20, 2: 21, 3: 22}
    assert "dataset.json" in found.warnings[0]


def test_a_dataset_of_something_else_is_not_used(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "L1": 1}}))
    names = labelled("verse", ["L1", "L2", "L3", "L4", "L5"])
    found, warnings = read(tmp_path / "a.nii.gz", spine(names))
    assert found == names
    assert "does not name label 20" in warnings[0]
