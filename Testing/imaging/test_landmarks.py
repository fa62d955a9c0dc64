import json

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
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


@pytest.mark.parametrize("suffix", ["fcsv", "mrk.json"])
def test_points_that_slicer_has_not_placed_are_left_out(tmp_path, suffix):
    """As Slicer itself writes them; the place of a point that was unset stays in both files."""
    core = pytest.importorskip("slicer", reason="slicer-core is not installed (extra 'slicer-test')")
    vtk = pytest.importorskip("vtk", reason="vtk is not installed (extra 'models')")
    scene, node = core.vtkMRMLScene(), core.vtkMRMLMarkupsFiducialNode()
    scene.AddNode(node)
    for k, name in enumerate(("L1", "L2", "L3")):
        node.AddControlPoint(vtk.vtkVector3d(10, 20, -30.0 * k), name)
    node.UnsetNthControlPointPosition(2)
    kinds = {"fcsv": core.vtkMRMLMarkupsFiducialStorageNode, "mrk.json": core.vtkMRMLMarkupsJsonStorageNode}
    storage = kinds[suffix]()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / f"F.{suffix}"))
    assert storage.WriteData(node)
    assert "L3" in (tmp_path / f"F.{suffix}").read_text()
    same(read_landmarks(tmp_path / f"F.{suffix}"), {20: [-10, -20, 0], 21: [-10, -20, -30]})


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


GRID = Grid((40, 60, 30), (1.0, 1.5, 2.0), (10.0, -20.0, 30.0), (1, 0, 0, 0, 0, 1, 0, -1, 0))
"""Axes towards L, then I, then P, as sagittal slices are stored; columns are LPS directions."""
TRUTH = {20: GRID.to_points([3, 8, 5]), 21: GRID.to_points([5, 30.5, 6])}
INDICES = {20: [3, 8, 5], 21: [5, 30.5, 6]}


def points(head, units=(1, 1, 1), order=(0, 1, 2), flipped=()):
    """A list of centroids as VerSe writes it, axes in another order and direction."""
    found = [head]
    for number, index in INDICES.items():
        own = [(GRID.size[a] - 1 - index[a] if a in flipped else index[a]) * units[a] for a in order]
        found.append({"label": number, "X": own[0], "Y": own[1], "Z": own[2]})
    return [
        *found,
        {"label": 50 * 256 + 126, "X": 1, "Y": 1, "Z": 1},
        {"label": 20 + 256 * 85, "X": 0, "Y": 0, "Z": 0},
    ]


@pytest.mark.parametrize(
    ("codes", "order", "flipped"),
    [
        ("LIP", (0, 1, 2), ()),
        ("PIR", (2, 1, 0), (0,)),
        ("ASL", (2, 1, 0), (2, 1)),
        ("RPS", (0, 2, 1), (0, 1)),
    ],
)
def test_centroids_in_voxels_of_the_image(tmp_path, codes, order, flipped):
    path = saved(tmp_path, points({"direction": list(codes)}, order=order, flipped=flipped))
    same(read_landmarks(path, GRID), TRUTH)
    with pytest.raises(InputError, match="voxels of an image"):
        read_landmarks(path)


def test_centroids_in_mm_of_the_image(tmp_path):
    content = points({"direction": list("LIP")}, units=GRID.spacing_mm)
    same(read_landmarks(saved(tmp_path, content, "verse000_iso-ctd.json"), GRID), TRUTH)
    zoomed = points({"direction": list("LIP"), "zoom": [1, 1, 1]}, units=GRID.spacing_mm)
    same(read_landmarks(saved(tmp_path, zoomed, "ctd.json"), GRID), TRUTH)


def poi_head(**more):
    """TPTBox's header of the grid: RAS = rotation @ (index * zoom) + origin."""
    flip = np.diag([-1.0, -1.0, 1.0])
    rotation, origin = flip @ GRID.axes, flip @ GRID.origin_mm
    place = {"zoom": list(GRID.spacing_mm), "origin": origin.tolist(), "rotation": rotation.tolist()}
    return {"direction": list("LIP"), "shape": list(GRID.size), **place, **more}


def test_centroids_with_their_own_grid(tmp_path):
    same(read_landmarks(saved(tmp_path, points(poi_head(format="docker")))), TRUTH)


def test_spineps_pois_by_name(tmp_path):
    regions = {
        "L1": {"Vertebra_Corpus": INDICES[20], "Spinosus_Process": [0, 0, 0]},
        "L2": {"50": INDICES[21]},
    }
    content = [poi_head(format="POI"), {**regions, "L3": {"Spinosus_Process": [1, 1, 1]}}]
    same(read_landmarks(saved(tmp_path, content)), TRUTH)


@pytest.mark.parametrize(("system", "sign"), [("itk", 1), ("nib", -1)])
def test_pois_in_world_coordinates(tmp_path, system, sign):
    content = [
        {"coordinate_system": system, "format": "POI_GLOBAL"},
        {"L1": {"50": [sign * 1, sign * 2, 3]}, "L2": {"50": [sign * 4, sign * 5, 6]}},
    ]
    same(read_landmarks(saved(tmp_path, content)), {20: [1, 2, 3], 21: [4, 5, 6]})


def test_damaged_centroids(tmp_path):
    for head in ({"direction": list("XYZ")}, {"direction": list("LLP")}, poi_head(zoom="a")):
        with pytest.raises(InputError, match=r"centroids|axes"):
            read_landmarks(saved(tmp_path, points(head)), GRID)


def test_real_centroids_lie_in_their_vertebrae(real_data):
    """VerSe's own file of body centres, in a left-handed oblique image."""
    folder = real_data / "verse014"
    labels = sitk.ReadImage(folder / "sub-verse014_seg-vert_msk.nii.gz")
    found = read_landmarks(folder / "sub-verse014_seg-vb_ctd.json", Grid.of(labels))
    at = {n: labels[labels.TransformPhysicalPointToIndex(p.tolist())] for n, p in found.items()}
    assert at == {n: n for n in range(20, 25)}


@pytest.mark.parametrize(
    "text",
    [
        "name,x,y,z\nL1,1,2,3\nL2,4,5,6.5\n",
        "label,l,p,s,defined,selected,visible,locked,description\nL1,1,2,3,1,1,1,0,\nL2,4,5,6.5,1,1,1,0,\nL3,0,0,0,0,1,1,0,\n",
        "# of a patient\nlabel;r;a;s\nL1;-1;-2;3\nL2;-4;-5;6.5\n",
        "vertebra\tx_mm\ty_mm\tz_mm\nL1\t1\t2\t3\nL2\t4\t5\t6.5\n",
        "L1,1,2,3\nL2,4,5,6.5\n",
        "Name;x;y;z\nLWK1;1,0;2;3,0\nLWK2;4,0;5;6,5\n",
        "name\tx\ty\tz\nL1\t1,0\t2\t3\nL2\t4\t5\t6,5\n",
        "L1;1,0;2,0;3,0\nL2;4,0;5,0;6,5\n",
        'name,x,y,z\nL1,1,2,3\nL2,4,5,"6,5"\n',
    ],
)
def test_tables(tmp_path, text):
    same(read_landmarks(saved(tmp_path, text, "points.csv")), {20: [1, 2, 3], 21: [4, 5, 6.5]})


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "name,x,y,z\nL1,a,2,3\n",
        'name,x,y,z\nL1,"1,234.5",2,3\n',
        "name,x,y,z\nL1,1,2,3\nL1,1,2,4\n",
        "",
    ],
)
def test_unusable_tables(tmp_path, text):
    with pytest.raises(InputError):
        read_landmarks(saved(tmp_path, text, "points.csv"))


def test_names_that_slicer_and_people_give(tmp_path):
    content = {"markups": [node([("L3-1", [1, 2, 3]), ("L4 (edited)", [4, 5, 6]), ("LWK5", [7, 8, 9])])]}
    same(read_landmarks(saved(tmp_path, content)), {22: [1, 2, 3], 23: [4, 5, 6], 24: [7, 8, 9]})


@pytest.mark.parametrize("key", ["coordinateSystem", "coordinate_system"])
@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("RAS", -1)])
def test_plain_json_may_say_its_system(tmp_path, key, system, sign):
    content = {key: system, "L1": [sign * 1, sign * 2, 3]}
    same(read_landmarks(saved(tmp_path, content)), {20: [1, 2, 3]})
    with pytest.raises(InputError, match='unknown coordinate system "IJK"'):
        read_landmarks(saved(tmp_path, {**content, key: "IJK"}))


@pytest.mark.parametrize(("system", "sign"), [("itk", 1), ("ITK", 1), ("LPS", 1), ("nib", -1), ("ras", -1)])
def test_systems_of_centroid_lists(tmp_path, system, sign):
    content = [{"coordinate_system": system}, {"label": 20, "X": sign, "Y": sign * 2, "Z": 3}]
    same(read_landmarks(saved(tmp_path, content)), {20: [1, 2, 3]})
    with pytest.raises(InputError, match='unknown coordinate system "voxel"'):
        read_landmarks(saved(tmp_path, [{"coordinate_system": "voxel"}, content[1]]))


def test_rows_with_other_cells_than_titles(tmp_path):
    """An empty last cell is what spreadsheets write; a decimal comma makes a cell more."""
    text = "name,x,y,z,remark\nL1,1,2,3,,\nL2,4,5,6.5,high\n"
    same(read_landmarks(saved(tmp_path, text, "points.csv")), {20: [1, 2, 3], 21: [4, 5, 6.5]})
    for row in ("L2,4,5,6,5,high", "L2,4,5"):
        with pytest.raises(InputError, match="cells in the row of L2, but 5 titles"):
            read_landmarks(saved(tmp_path, f"name,x,y,z,remark\nL1,1,2,3,\n{row}\n", "points.csv"))


def test_undefined_points_of_a_table(tmp_path):
    text = "label,l,p,s,defined\nL1,1,2,3,True\nL2,4,5,6.5,FALSE\n"
    same(read_landmarks(saved(tmp_path, text, "points.csv")), {20: [1, 2, 3]})
