import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.checks import InputNames, check_case
from spine_ctmr.imaging.label_checks import usable_labels

NAMES = InputNames("ct.nii", "mr.nii", "seg.nii", "points.json", "mrseg.nii")


def edited(image, change):
    array = sitk.GetArrayFromImage(image)
    result = sitk.GetImageFromArray(change(array))
    result.CopyInformation(image)
    return result


def check(p, **changes):
    inputs = {"ct": p.ct, "mr": p.mr, "vertebrae": p.labels, "mr_centroids": p.centers, **changes}
    return check_case(**inputs, names=NAMES)


def fails(p, words, **changes):
    with pytest.raises(InputError) as error:
        check(p, **changes)
    message = str(error.value)
    for word in words:
        assert word in message, message
    assert message.endswith(".")
    assert "\n" not in message


def warns(p, words, **changes):
    warnings = check(p, **changes)
    assert len(warnings) == 1, warnings
    for word in words:
        assert word in warnings[0], warnings


def test_a_good_case_has_no_warnings(patient):
    assert check(patient) == ()
    assert check(patient, mr_centroids=None) == ()
    assert check(patient, mr_centroids=None, mr_vertebrae=patient.labels) == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["ct", "mr"])
def test_voxels_that_are_not_finite(patient, which, value):
    def spoil(array):
        array = array.astype(np.float32)
        array[0, 0, :3] = value
        return array

    fails(
        patient,
        [f"{which}.nii", "3 voxels", "NaN", "background"],
        **{which: edited(getattr(patient, which), spoil)},
    )


@pytest.mark.parametrize("which", ["ct", "mr"])
def test_constant_images(patient, which):
    flat = edited(getattr(patient, which), lambda a: np.full_like(a, 7))
    fails(patient, [f"{which}.nii", "same value 7"], **{which: flat})


@pytest.mark.parametrize(
    "change",
    [
        lambda a: (np.clip((a + 160) / 400, 0, 1) * 255).astype(np.uint8),
        lambda a: np.clip((a + 1000) / 3000, 0, 1).astype(np.float32),
        lambda a: ((a - a.mean()) / a.std()).astype(np.float32),
    ],
)
def test_windowed_and_normalised_ct(patient, change):
    fails(patient, ["ct.nii", "not in Hounsfield units", "original CT"], ct=edited(patient.ct, change))


def test_ct_without_rescale_intercept(patient):
    raw = edited(patient.ct, lambda a: np.maximum(a + 1024, 0).astype(np.uint16))
    fails(patient, ["ct.nii", "intercept", "DICOM"], ct=raw)


def test_ct_cropped_inside_the_body_passes(patient):
    soft = edited(patient.ct, lambda a: np.where(a < -500, -60, a))
    assert check(patient, ct=soft) == ()


def test_dark_and_misplaced_labels(patient):
    labels = sitk.GetArrayFromImage(patient.labels) > 0
    faint = edited(patient.ct, lambda a: np.where(labels, a - 240, a).astype(np.int16))
    dark, loose = check(patient, ct=faint)
    assert "dark inside the vertebra labels" in dark
    assert "L1, L2, L3 does not follow the bone" in loose
    in_air = edited(patient.ct, lambda a: np.where(labels, -900, a).astype(np.int16))
    fails(patient, ["ct.nii", "not bone", "belong to this CT"], ct=in_air)


def test_swapped(patient):
    fails(patient, ["ct.nii", "mr.nii", "swapped"], ct=patient.mr, mr=patient.ct)


def test_same_image_twice_and_a_ct_as_mr(patient):
    fails(patient, ["same image"], mr=patient.ct)
    fails(patient, ["same image"], mr=moved(patient.ct, (6, 3, 6)))
    another = edited(patient.ct, lambda a: a[::-1].copy())
    fails(patient, ["mr.nii", "is a CT"], mr=another)
    inverted = edited(patient.mr, lambda a: 1000 - 4 * a)
    warns(patient, ["mr.nii", "like a CT"], mr=inverted)


@pytest.mark.parametrize(
    ("axis", "way"), [(2, "left and right"), (1, "front and back"), (0, "head and foot")]
)
@pytest.mark.parametrize("which", ["ct", "vertebrae"])
def test_mirrored(patient, axis, way, which):
    """Boxes off the middle of the image, so that mirrored ones lie beside them."""
    shift = [0, 0, 0]
    shift[axis] = 4
    off = {
        "ct": edited(patient.ct, lambda a: np.roll(a, shift, (0, 1, 2))),
        "vertebrae": edited(patient.labels, lambda a: np.roll(a, shift, (0, 1, 2))),
    }
    assert check(patient, **off, mr_centroids=None) == ()
    off[which] = edited(off[which], lambda a: np.flip(a, axis).copy())
    fails(patient, ["seg.nii", "mirrored", way], **off, mr_centroids=None)


def moved(image, offset):
    result = sitk.Image(image)
    result.SetOrigin(np.add(image.GetOrigin(), offset).tolist())
    return result


def test_labels_outside_the_ct(patient):
    fails(patient, ["seg.nii", "outside ct.nii", "made on"], vertebrae=moved(patient.labels, (500, 0, 0)))


def shifted(p, offset):
    return {
        "ct": moved(p.ct, offset),
        "mr": moved(p.mr, offset),
        "vertebrae": moved(p.labels, offset),
        "mr_centroids": {n: c + offset for n, c in p.centers.items()},
    }


def test_labels_and_landmarks_in_ras(patient):
    inputs = shifted(patient, (300.0, 200.0, 0.0))
    flip = np.array([-1, -1, 1])
    labels = sitk.Image(inputs["vertebrae"])
    labels.SetOrigin((flip * labels.GetOrigin()).tolist())
    labels.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    fails(patient, ["seg.nii", "RAS", "LPS"], **{**inputs, "vertebrae": labels})
    points = {n: c * flip for n, c in inputs["mr_centroids"].items()}
    fails(patient, ["points.json", "outside mr.nii", "RAS"], **{**inputs, "mr_centroids": points})


def test_labels_on_another_oblique_grid_are_fine(patient):
    grid = sitk.Image([60, 60, 90], sitk.sitkUInt8)
    turn = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.5)
    grid.SetDirection(turn.GetMatrix())
    grid.SetSpacing((1.5, 1.5, 1.5))
    middle = np.array(patient.labels.TransformContinuousIndexToPhysicalPoint((19.5, 19.5, 19.5)))
    grid.SetOrigin(
        (middle - np.array(grid.TransformContinuousIndexToPhysicalPoint((29.5, 29.5, 44.5)))).tolist()
    )
    labels = sitk.Resample(patient.labels, grid, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert check(patient, vertebrae=labels) == ()


def tiny(labels, numbers):
    array = sitk.GetArrayFromImage(labels)
    for n in numbers:
        rest = np.flatnonzero(array == n)[5:]
        array.reshape(-1)[rest] = 0
    result = sitk.GetImageFromArray(array)
    result.CopyInformation(labels)
    return result


def test_tiny_labels_are_left_out(patient):
    labels = tiny(patient.labels, [20])
    warns(patient, ["seg.nii", "L1 left out", "500 mm³"], vertebrae=labels)
    assert set(np.unique(sitk.GetArrayFromImage(usable_labels(labels, patient.ct)))) == {0, 21, 22}
    fails(patient, ["seg.nii", "every vertebra"], vertebrae=tiny(patient.labels, [20, 21, 22]))
    fails(patient, ["seg.nii", "no labels"], vertebrae=edited(patient.labels, np.zeros_like))


def test_vertebra_cut_by_the_field_of_view(patient):
    ct = sitk.RegionOfInterest(patient.ct, [40, 40, 30], [0, 0, 0])
    warns(patient, ["L1 cut by the field of view of ct.nii"], ct=ct)
    ct = sitk.RegionOfInterest(patient.ct, [40, 40, 25], [0, 0, 0])
    warns(patient, ["L1 left out"], ct=ct)


def test_vertebra_with_only_a_sliver_inside_is_left_out(patient):
    def thin_end(array):
        array[27][array[27] == 20] = 0
        array[27, 14:17, 14:17] = 20
        return array

    ct = sitk.RegionOfInterest(patient.ct, [40, 40, 28], [0, 0, 0])
    warns(patient, ["L1 left out"], ct=ct, vertebrae=edited(patient.labels, thin_end))


def test_landmarks_in_wrong_order(patient):
    points = {42 - n: c for n, c in patient.centers.items()}
    fails(patient, ["points.json", "L1, L2, L3 run from tail to head"], mr_centroids=points)
    swapped = {**patient.centers, 21: patient.centers[22], 22: patient.centers[21]}
    fails(patient, ["points.json", "L2 lies below L3"], mr_centroids=swapped)


def test_landmarks_outside_the_mr(patient):
    away = {n: c + np.array([0, 0, 1000]) for n, c in patient.centers.items()}
    fails(patient, ["points.json", "outside mr.nii"], mr_centroids=away)
    warns(patient, ["points.json", "L1", "outside mr.nii"], mr_centroids={**patient.centers, 20: away[20]})
    fails(patient, ["no landmarks"], mr_centroids={})


def test_no_common_vertebra(patient):
    fails(patient, ["L1, L2, L3", "T12", "in common"], mr_centroids={19: patient.centers[20]})
    other = sitk.ChangeLabel(patient.labels, {20: 8, 21: 9, 22: 10})
    fails(patient, ["mrseg.nii", "T1, T2, T3", "in common"], mr_vertebrae=other)
    only_tiny = sitk.ChangeLabel(tiny(patient.labels, [20]), {21: 0})
    fails(patient, ["in common"], vertebrae=only_tiny, mr_centroids={20: patient.centers[20]})


def test_mr_labels_outside_the_mr(patient):
    away = moved(patient.labels, (0, 0, 900))
    fails(patient, ["mrseg.nii", "outside mr.nii"], mr_centroids=None, mr_vertebrae=away)


@pytest.mark.parametrize(
    ("spacing", "words"),
    [
        ((0.002, 0.002, 0.003), ["metres", "mm"]),
        ((1000.0, 1000.0, 3000.0), ["micrometres", "mm"]),
        ((0.01, 2, 2), ["voxel spacing", "0.01"]),
        ((2, 2, 15), ["voxel spacing", "15"]),
    ],
)
@pytest.mark.parametrize("which", ["ct", "mr"])
def test_units_and_spacing(patient, which, spacing, words):
    image = sitk.Image(getattr(patient, which))
    image.SetSpacing(spacing)
    fails(patient, [f"{which}.nii", *words], **{which: image})


def test_few_slices_and_sheared_axes(patient):
    fails(patient, ["mr.nii", "fewer than 4 slices", "40×40×3"], mr=patient.mr[:, :, :3])
    sheared = sitk.Image(patient.ct)
    sheared.SetDirection((1, 0.3, 0, 0, 1, 0, 0, 0, 1))
    fails(patient, ["ct.nii", "right angles"], ct=sheared)


def test_an_mr_may_have_anything_around_it(patient):
    """Programs that cut an MR out fill the rest with their lowest value."""

    def padded(array):
        array = array.astype(np.int16)
        array[:, :, : array.shape[2] // 4] = -32768
        return array

    assert check(patient, mr=edited(patient.mr, padded)) == ()


def test_a_ct_without_soft_tissue_is_doubted(patient):
    warns(patient, ["ct.nii", "soft tissue", "Hounsfield"], ct=edited(patient.ct, lambda a: a + 512))


@pytest.mark.parametrize("which", ["ct", "mr", "vertebrae"])
def test_an_origin_that_is_no_number(patient, which):
    image = sitk.Image({"ct": patient.ct, "mr": patient.mr, "vertebrae": patient.labels}[which])
    image.SetOrigin((np.nan, 0.0, 0.0))
    fails(patient, ["origin that is no number"], **{which: image})
