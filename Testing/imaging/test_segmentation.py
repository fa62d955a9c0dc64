import numpy as np
import pytest
import SimpleITK as sitk
from imaging.spines import numbers_where, spine
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.segmentation import read_vertebrae


def array_of(values, shape=(6, 5, 4)):
    array = np.zeros(shape)
    for i, value in enumerate(values):
        array.reshape(-1)[3 * i + 1 : 3 * i + 3] = value
    return array


def written(path, array, dtype):
    image = sitk.GetImageFromArray(array.astype(dtype))
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((5.0, 6.0, 7.0))
    sitk.WriteImage(image, path)
    return path


def seg_nrrd(path, layers, segments, header=(), spacing=(1, 2, 3)):
    """A Slicer segmentation byte by byte: segments are dicts of SegmentN_ fields."""
    z, y, x = layers[0].shape
    many, (dx, dy, dz) = len(layers) > 1, spacing
    lines = [
        "NRRD0004",
        "type: unsigned char",
        f"dimension: {3 + many}",
        "space: left-posterior-superior",
        f"sizes: {f'{len(layers)} ' if many else ''}{x} {y} {z}",
        f"space directions: {'none ' if many else ''}({dx},0,0) (0,{dy},0) (0,0,{dz})",
        f"kinds: {'list ' if many else ''}domain domain domain",
        "encoding: raw",
        "space origin: (5,6,7)",
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        *header,
    ]
    for i, fields in enumerate(segments):
        lines += [f"Segment{i}_{key}:={value}" for key, value in fields.items()]
    data = np.stack(layers, -1) if many else layers[0]
    path.write_bytes("\n".join([*lines, "", ""]).encode() + data.astype(np.uint8).tobytes())
    return path


def segment(name, value=1, layer=0, **more):
    return {"ID": f"id_{name}", "Name": name, "LabelValue": value, "Layer": layer, **more}


def boxes():
    """Two overlapping boxes: planes 0-3 and planes 3-5."""
    first, second = np.zeros((6, 5, 4), np.uint8), np.zeros((6, 5, 4), np.uint8)
    first[:4, 1:3], second[3:, 1:3] = 1, 1
    return first, second


def read(path):
    found = read_vertebrae(path)
    return found.image, found.warnings


def fails(path, *words):
    with pytest.raises(InputError) as error:
        read_vertebrae(path)
    for word in (str(path), *words):
        assert word in str(error.value), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha"])
def test_verse_label_maps_of_any_type(tmp_path, dtype, name):
    array = array_of([1, 19, 20, 26, 28])
    labels, warnings = read(written(tmp_path / name, array, dtype))
    assert labels.GetPixelID() == sitk.sitkUInt8
    assert warnings == ()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), array)
    np.testing.assert_allclose(labels.GetSpacing(), (1, 2, 3))
    np.testing.assert_allclose(labels.GetOrigin(), (5, 6, 7))


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd"])
def test_labels_that_float_rounding_blurred_are_rounded(tmp_path, name):
    blurred = array_of([21.999998, 22.99991, 24.0095])
    labels, _ = read(written(tmp_path / name, blurred, "f4"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), array_of([22, 23, 24]))


def test_labels_that_are_no_whole_numbers(tmp_path):
    fails(written(tmp_path / "a.nrrd", array_of([20, 20.5]), "f4"), "not whole numbers")
    fails(written(tmp_path / "b.nrrd", array_of([20, 20.02]), "f8"), "not whole numbers")
    fails(written(tmp_path / "c.nrrd", array_of([20, np.nan]), "f4"), "NaN")


def test_an_image_is_not_a_label_map(tmp_path):
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 20, 20))
    fails(written(tmp_path / "a.nrrd", noise, "i2"), "different values")


def test_nothing_labelled(tmp_path):
    fails(written(tmp_path / "a.nrrd", array_of([]), "u1"), "no labels")


@pytest.mark.parametrize("values", [[20, 99], [27, 28, 29], [27], [21, 41, 50], [-3, 20], [100]])
def test_numbers_that_tell_no_scheme(tmp_path, values):
    """Labels of a few voxels, so that sizes do not tell it either."""
    fails(written(tmp_path / "a.nrrd", array_of(values), "i2"), "--label-scheme")


def test_spineps_discs_and_the_coccyx_are_ignored_with_a_warning(tmp_path):
    labels, warnings = read(written(tmp_path / "a.nrrd", array_of([24, 27, 124, 224]), "i2"))
    assert set(np.unique(sitk.GetArrayFromImage(labels))) == {0, 24}
    assert len(warnings) == 1
    assert "27, 124, 224" in warnings[0]


@pytest.mark.parametrize(
    ("values", "warned"), [([28], True), ([25, 26], True), ([19, 28], False), ([24, 25], False)]
)
def test_rare_vertebrae_without_neighbours_are_doubted(tmp_path, values, warned):
    assert bool(read(written(tmp_path / "a.nrrd", array_of(values), "u1"))[1]) == warned


def test_slicer_segments_in_one_layer(tmp_path):
    layer = array_of([1, 2, 3])
    path = seg_nrrd(
        tmp_path / "s.seg.nrrd",
        [layer],
        [segment("L1 vertebra", 3), segment("vertebrae_L2", 1), segment("spinal_cord", 2)],
    )
    labels, warnings = read(path)
    truth = np.select([layer == 3, layer == 1], [20, 21])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), truth)
    np.testing.assert_allclose(labels.GetOrigin(), (5, 6, 7))
    np.testing.assert_allclose(labels.GetSpacing(), (1, 2, 3))
    assert len(warnings) == 1
    assert '"spinal_cord"' in warnings[0]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_overlapping_segments_in_layers(tmp_path, reverse, layers):
    """As many layers as NRRD could mistake for colours; the upper vertebra keeps the overlap."""
    first, second = boxes()
    stack = [first, second, *[np.zeros_like(first)] * (layers - 2)]
    segments = [segment("L1", 1, 0), segment("L2", 1, 1)]
    path = seg_nrrd(tmp_path / "s.seg.nrrd", stack, segments[::-1] if reverse else segments)
    labels, warnings = read(path)
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(labels), np.where(first == 1, 20, np.where(second == 1, 21, 0))
    )
    assert len(warnings) == 1
    assert "overlap in 8 voxels" in warnings[0]


def test_old_files_hold_one_segment_per_layer_without_saying_so(tmp_path):
    first, second = boxes()
    path = seg_nrrd(tmp_path / "s.seg.nrrd", [first, second], [{"Name": "L1"}, {"Name": "L2"}])
    labels, _ = read(path)
    assert set(np.unique(sitk.GetArrayFromImage(labels))) == {0, 20, 21}


def test_terminology_names_a_segment_that_the_user_called_otherwise(tmp_path):
    tags = (
        "Segmentation.Status:inprogress|TerminologyEntry:Segmentation category and type~"
        "SCT^123037004^Anatomical Structure~SCT^36470004^First lumbar vertebra~^^~Anatomic codes~^^~^^|"
    )
    path = seg_nrrd(tmp_path / "s.seg.nrrd", [boxes()[0]], [segment("my bone", Tags=tags)])
    assert set(np.unique(sitk.GetArrayFromImage(read(path)[0]))) == {0, 20}


def test_sacrum_in_two_parts_is_joined(tmp_path):
    path = seg_nrrd(
        tmp_path / "s.seg.nrrd", [array_of([1, 2])], [segment("sacrum", 1), segment("vertebrae_S1", 2)]
    )
    labels, warnings = read(path)
    assert (sitk.GetArrayFromImage(labels) == 26).sum() == 4
    assert "joined" in warnings[0]


def test_two_segments_for_one_vertebra(tmp_path):
    segments = [segment("L1", 1), segment("vertebrae_L1", 2)]
    path = seg_nrrd(tmp_path / "s.seg.nrrd", [array_of([1, 2])], segments)
    fails(path, "2 segments for L1", '"L1", "vertebrae_L1"', "keep one")


def test_no_segment_is_a_vertebra(tmp_path):
    segments = [segment("disc_L1_L2", 1), segment("rib_left_1", 2)]
    path = seg_nrrd(tmp_path / "s.seg.nrrd", [array_of([1, 2])], segments)
    fails(path, '"disc_L1_L2", "rib_left_1"', "rename", '"vertebrae_L1"')


def test_slicer_default_names_count_only_when_they_carry_label_values(tmp_path):
    path = seg_nrrd(
        tmp_path / "a.seg.nrrd", [array_of([1, 2])], [segment("Segment_20", 1), segment("Segment_21", 2)]
    )
    labels, warnings = read(path)
    assert set(np.unique(sitk.GetArrayFromImage(labels))) == {0, 20, 21}
    assert warnings == ()
    path = seg_nrrd(
        tmp_path / "b.seg.nrrd", [array_of([1, 2])], [segment("Segment_1", 1), segment("Segment_2", 2)]
    )
    fails(path, "Segment_1")


def test_segments_called_by_numbers_are_read_like_label_maps(tmp_path):
    """TotalSpineSeg's L3 and L4, as 3D Slicer names an imported label map; VerSe has no 43."""
    array = spine({43: "L3", 44: "L4"})
    segments = [segment("43", 43), segment("44", 44)]
    path = seg_nrrd(tmp_path / "a.seg.nrrd", [array.astype(np.uint8)], segments, spacing=(2, 2, 2))
    labels, warnings = read(path)
    assert numbers_where(labels, array) == {43: 22, 44: 23}
    assert "TotalSpineSeg" in warnings[0]


@pytest.mark.parametrize(
    ("names", "words"), [("C3 C4 C5", "C3 is too large"), ("L5 L4 L3", "run from tail to head")]
)
def test_named_segments_that_cannot_be(tmp_path, names, words):
    array = spine({1: "L3", 2: "L4", 3: "L5"})
    segments = [segment(name, i) for i, name in enumerate(names.split(), 1)]
    path = seg_nrrd(tmp_path / "a.seg.nrrd", [array.astype(np.uint8)], segments, spacing=(2, 2, 2))
    fails(path, words)


def test_empty_segments(tmp_path):
    path = seg_nrrd(tmp_path / "a.seg.nrrd", [array_of([1])], [segment("L1", 1), segment("L2", 2)])
    assert "L2 is empty" in read(path)[1][0]
    path = seg_nrrd(tmp_path / "b.seg.nrrd", [array_of([])], [segment("L1", 1)])
    fails(path, "all are empty")
    fails(seg_nrrd(tmp_path / "c.seg.nrrd", [array_of([])], []), "without segments")


def test_fractional_labelmaps(tmp_path):
    header = ["Segmentation_SourceRepresentation:=Fractional labelmap"]
    path = seg_nrrd(tmp_path / "a.seg.nrrd", [array_of([1])], [segment("L1")], header)
    fails(path, "fractional")


@pytest.mark.parametrize("fields", [{"value": "L4"}, {"layer": "1e9"}])
def test_segments_whose_numbers_are_none(tmp_path, fields):
    damaged = seg_nrrd(tmp_path / "s.seg.nrrd", boxes()[:1], [segment("L4", **fields)])
    fails(damaged, "gives segment 0 the", f"'{next(iter(fields.values()))}', which is no whole number")


def test_missing(tmp_path):
    fails(tmp_path / "none.nrrd", "does not exist")


@pytest.mark.parametrize(
    ("file", "levels"),
    [
        ("STS_007/ct_labels.nii.gz", {23, 24, 26}),
        ("verse014/sub-verse014_seg-vert_msk.nii.gz", {20, 21, 22, 23, 24}),
    ],
)
def test_real_labels(real_data, file, levels):
    labels, warnings = read(real_data / file)
    assert set(np.unique(sitk.GetArrayViewFromImage(labels))) == {0, *levels}
    assert warnings == ()
