import json

import numpy as np
import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.landmarks import read_landmarks, read_landmarks_and_warnings


def saved(tmp_path, content, name="points.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def node(points, system="LPS", **more):
    return {
        "type": "Fiducial",
        "coordinateSystem": system,
        "coordinateUnits": "mm",
        "controlPoints": [{"label": k, "position": v, "positionStatus": "defined"} for k, v in points],
        **more,
    }


def same(found, truth):
    assert found.keys() == truth.keys()
    for number, point in truth.items():
        assert found[number].shape == (3,)
        np.testing.assert_allclose(found[number], point)


@pytest.mark.parametrize(
    ("system", "sign"), [("LPS", 1), (1, 1), ("1", 1), ("RAS", -1), (0, -1), ("ras", -1)]
)
def test_markups_in_either_system(tmp_path, system, sign):
    path = saved(tmp_path, {"markups": [node([("L1", [sign * 1, sign * 2, 3])], system)]}, "F.mrk.json")
    same(read_landmarks(path), {20: [1, 2, 3]})


def test_several_nodes_with_their_own_systems_and_undefined_points(tmp_path):
    first = node([("vertebrae_L1", [1, 2, 3])], "RAS")
    second = node([("L2 body", [4, 5, 6]), ("sacrum_centroid", [7, 8, 9])])
    second["controlPoints"].append({"label": "L3", "position": [0, 0, 0], "positionStatus": "undefined"})
    second["controlPoints"].append({"label": "L4", "position": [1, 1, 1]})
    path = saved(tmp_path, {"@schema": "s", "markups": [first, second]}, "F.mrk.json")
    same(read_landmarks(path), {20: [-1, -2, 3], 21: [4, 5, 6], 26: [7, 8, 9], 23: [1, 1, 1]})


@pytest.mark.parametrize("keys", [("L1", "T13"), ("20", "28"), ("vertebrae_L1", "Th13")])
def test_plain_json(tmp_path, keys):
    same(
        read_landmarks(saved(tmp_path, {keys[0]: [1, 2, 3], keys[1]: [4, 5, 6.5]})),
        {20: [1, 2, 3], 28: [4, 5, 6.5]},
    )


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("0", -1), ("RAS", -1), ("1", 1)])
def test_fcsv(tmp_path, system, sign):
    text = (
        f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {system}\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        f"1,{sign * 1.5},{sign * 2},3,0,0,0,1,1,1,0,L5,,\n"
    )
    same(read_landmarks(saved(tmp_path, text, "F.fcsv")), {24: [1.5, 2, 3]})


def test_other_names_are_ignored_with_a_warning(tmp_path):
    points, warnings = read_landmarks_and_warnings(saved(tmp_path, {"L1": [1, 2, 3], "tumour": [4, 5, 6]}))
    assert points.keys() == {20}
    assert len(warnings) == 1
    assert '"tumour"' in warnings[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{nonsense", ["not valid JSON", '{"L1": [x, y, z]']),
        ("[1, 2]", ["not a table of named points"]),
        ({}, ["names no vertebra", "no points"]),
        (
            {"F-1": [1, 2, 3], "disc L1-L2": [1, 2, 3]},
            ["names no vertebra", '"F-1", "disc L1-L2"', "understood"],
        ),
        ('{"L1": [1, 2, 3], "L1": [4, 5, 6]}', ["L1 twice"]),
        ({"L1": [1, 2, 3], "vertebrae_L1": [4, 5, 6]}, ["L1 twice"]),
        ('{"L1": [1, NaN, 3]}', ["three finite numbers for L1"]),
        ({"L1": [1, 2]}, ["three finite numbers for L1"]),
        ({"L1": [1, 2, "a"]}, ["three finite numbers for L1"]),
        ({"L1": None}, ["three finite numbers for L1"]),
        ({"L1": {"x": 1}}, ["three finite numbers for L1"]),
        ({"L1": [1, 2, 3], "L2": [1, 2, 3]}, ["same point"]),
        ({"markups": [node([("L1", [1, 2, 3])], "IJK")]}, ['coordinate system "IJK"']),
        ({"markups": [node([("L1", [1, 2, 3])], coordinateUnits="cm")]}, ['"cm"', "mm"]),
        ({"markups": ["x"]}, ["not a valid markups file"]),
        ({"markups": [node([])]}, ["no points"]),
    ],
)
def test_unusable(tmp_path, content, words):
    path = saved(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_landmarks(path)
    for word in (str(path), *words):
        assert word in str(error.value), error.value


@pytest.mark.parametrize("name", ["none.json", "none.fcsv"])
def test_missing(tmp_path, name):
    with pytest.raises(InputError, match="does not exist"):
        read_landmarks(tmp_path / name)


def test_binary_and_broken_tables(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="not valid JSON"):
        read_landmarks(tmp_path / "a.json")
    with pytest.raises(InputError, match=r"not a valid \.fcsv"):
        read_landmarks(saved(tmp_path, "1,2,3", "b.fcsv"))
