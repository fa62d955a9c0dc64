"""Pictures: what is where, on which side, how large, in which colour."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.report.drawing import BONE_RGB, annotated, draw_outline, grey, with_bone
from spine_ctmr.report.pictures import (
    PLANES,
    Moved,
    as_jpeg,
    as_png,
    before_after_overview,
    colour_bar,
    heatmap,
    plane_pictures,
    volume_change_pictures,
    with_jacobian,
)
from spine_ctmr.report.views import body_center, label_boxes, spine_views

DATA = Path(os.environ.get("SPINE_CTMR_DATA", Path(__file__).parents[3] / "shared" / "data"))
ORIGIN = (-50.0, -60.0, -70.0)
PLAIN = Grid((51, 61, 71), (2.0, 2.0, 2.0), ORIGIN)
CENTERS = {22: (-8.0, 0.0, 30.0), 23: (0.0, 4.0, 0.0), 24: (8.0, 0.0, -30.0)}


def grids():
    """Grids of the same voxels: plain, permuted, flipped, left-handed."""
    far = tuple(PLAIN.to_points((50, 60, 70)))
    flipped = Grid(PLAIN.size, PLAIN.spacing_mm, far, (-1, 0, 0, 0, -1, 0, 0, 0, -1))
    sagittal = Grid((61, 71, 51), PLAIN.spacing_mm, ORIGIN, (0, 0, 1, 1, 0, 0, 0, 1, 0))
    left = Grid((61, 51, 71), PLAIN.spacing_mm, ORIGIN, (0, 1, 0, 1, 0, 0, 0, 0, 1))
    return {"plain": PLAIN, "flipped": flipped, "sagittal": sagittal, "left-handed": left}


def phantom(grid):
    """MR with a bright right-anterior-superior corner, CT and labels of three balls with a tail behind."""
    points = grid.points()
    mr = 100 + points[..., 2] + 3 * points[..., 1] + 100.0 * np.all(points < (-20, -30, 999), -1)
    mr += 300.0 * (np.all(points[..., :2] < (-20, -30), -1) & (points[..., 2] > 40))
    labels = np.zeros(grid.shape, np.uint8)
    for number, center in CENTERS.items():
        away = points - center
        labels[np.linalg.norm(away, axis=-1) < 12] = number
        labels[(np.abs(away[..., :2] - (0, 20)) < (3, 12)).all(-1) & (np.abs(away[..., 2]) < 3)] = number
    ct = np.where(labels > 0, 700, 0).astype(np.int16)
    return grid.image(mr.astype(np.float32)), grid.image(ct), grid.image(labels)


def pixels(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


def planes_of(mr, ct, labels):
    return plane_pictures(mr, Moved(ct, labels), Moved(ct, labels))


@pytest.fixture(scope="module")
def plain():
    return phantom(PLAIN)


@pytest.fixture(scope="module")
def views(plain):
    return spine_views(plain[0], label_boxes(plain[2]))


@pytest.mark.parametrize("name", ["flipped", "sagittal", "left-handed"])
def test_every_orientation_gives_the_same_picture(plain, name):
    wanted, found = (planes_of(*images) for images in (plain, phantom(grids()[name])))
    for plane in PLANES:
        for view in ("mr", "ct", "registered", "before"):
            a, b = (getattr(pictures[plane], view).astype(int) for pictures in (wanted, found))
            assert a.shape == b.shape
            assert np.abs(a - b).max() <= 2


def test_an_oblique_grid_gives_nearly_the_same_picture(plain, views):
    turned = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4).GetMatrix()
    grid = Grid.around(PLAIN.corners(), 1.5, 20, turned)
    oblique = sitk.Resample(plain[2], grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor)
    for view in views:
        a, b = (view.sample(sitk.Cast(image > 0, sitk.sitkFloat32)) > 0.5 for image in (plain[2], oblique))
        assert 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)) > 0.93
    for number, box in label_boxes(oblique).items():
        np.testing.assert_allclose(body_center(box), CENTERS[number], atol=1.5)


def test_radiological_sides(plain, views):
    """Patient right on the left, superior up, anterior left (sagittal) or up (axial)."""
    sagittal, coronal, axial = (view.points for view in views)
    assert [view.letters for view in views] == [
        ("A", "P", "H", "F"),
        ("R", "L", "H", "F"),
        ("R", "L", "A", "P"),
    ]
    assert sagittal[0, 0, 2] > sagittal[-1, 0, 2]
    assert sagittal[0, 0, 1] < sagittal[0, -1, 1]
    assert coronal[0, 0, 2] > coronal[-1, 0, 2]
    assert coronal[0, 0, 0] < coronal[0, -1, 0]
    assert axial[0, 0, 1] < axial[-1, 0, 1]
    assert axial[0, 0, 0] < axial[0, -1, 0]
    values = views[2].sample(plain[0])
    rows, columns = values.shape
    assert values[: rows // 8, : columns // 8].mean() > values[: rows // 8, -columns // 8 :].mean() + 50


def test_values_are_those_at_the_points(plain, views):
    """The MR is linear in the middle, so interpolation has one right answer."""
    view = views[0]
    inner = np.all((view.points > (-15, -25, -60)) & (view.points < (40, 50, 60)), -1)
    wanted = 100 + view.points[..., 2] + 3 * view.points[..., 1]
    np.testing.assert_allclose(view.sample(plain[0])[inner], wanted[inner], atol=0.05)


def test_pictures_follow_the_spine_and_keep_millimetres(views):
    sagittal, coronal, axial = views
    at = np.argmin(np.abs(sagittal.points[:, 0, 2] - 30)), np.argmin(np.abs(sagittal.points[:, 0, 2] + 30))
    np.testing.assert_allclose(sagittal.points[at, 0, 0], (-8, 8), atol=0.5)
    assert np.abs(axial.points[..., 2]).max() < 0.5
    for view in views:
        points, axes = view.points, (view.row_axis, view.column_axis)
        assert np.abs(points[1, 0, axes[0]] - points[0, 0, axes[0]]) == pytest.approx(view.step_mm)
        assert np.abs(points[0, 1, axes[1]] - points[0, 0, axes[1]]) == pytest.approx(view.step_mm)
    assert sagittal.step_mm == coronal.step_mm


def test_a_given_center_makes_planes(plain):
    views = spine_views(plain[0], label_boxes(plain[2]), (1.0, 2.0, 3.0))
    assert [np.unique(v.points[..., axis]).tolist() for v, axis in zip(views, (0, 1, 2), strict=True)] == [
        [1.0],
        [2.0],
        [3.0],
    ]


def test_the_outline_lies_on_the_surface(plain, views):
    boxes = label_boxes(plain[2])
    view = views[1]
    picture = np.zeros((*view.points.shape[:2], 3), np.uint8)
    column, row = draw_outline(picture, view, boxes[23], (255, 255, 255))
    line = view.points[(picture > 200).all(-1)]
    away = np.hypot(line[:, 0] - 0, line[:, 2] - 0)
    assert len(line) > 50
    assert np.abs(away - 12).max() < 1.5
    assert np.abs(away.mean() - 12) < 0.6
    assert view.points[row, column, 0] == pytest.approx(-12, abs=1.5)
    assert draw_outline(picture, views[2], boxes[22], (255, 255, 255)) is None


def test_scale_bar_is_twenty_millimetres(views):
    view = views[2]
    picture = annotated(view, np.zeros((*view.points.shape[:2], 3), np.uint8), {})
    bar = (picture[-12, picture.shape[1] * 2 // 3 :] == 255).all(-1)  # right of the letter P
    assert np.count_nonzero(bar) * view.step_mm == pytest.approx(20, abs=2 * view.step_mm)


def test_bone_is_warm_and_soft_tissue_stays_grey():
    mr = np.array([[50.0, 80, 120]] * 30)
    base = grey(mr)
    ct = np.full(mr.shape, -50.0)
    np.testing.assert_array_equal(with_bone(base, ct), base)
    red, green, blue = with_bone(base, ct + 2000)[0, 1].astype(int)
    assert red > green > blue
    assert BONE_RGB[0] > BONE_RGB[2]


def test_heatmap_colours():
    base = np.full((1, 6, 3), 110, np.uint8)
    kept, slightly, larger, smaller, folded, extreme = with_jacobian(
        base, np.array([[1.0, 1.03, 2.0, 0.5, -0.1, 50.0]])
    )[0].astype(int)
    assert kept.tolist() == [110, 110, 110]
    assert np.abs(slightly - 110).max() < 20
    assert larger[0] > larger[2] + 20
    assert smaller[2] > smaller[0] + 20
    assert folded.tolist() == [240, 228, 66]
    assert extreme.tolist() == larger.tolist()


def test_heatmap_of_a_rigid_motion_is_the_mr_alone(plain):
    kept = volume_change_pictures(plain[0], PLAIN.image(np.ones(PLAIN.shape, np.float32)), plain[2])
    assert list(kept) == list(PLANES)
    for picture in kept.values():
        assert np.ptp(picture.astype(int), axis=-1).max() <= 1


def test_the_colour_bar_is_blue_clear_and_red():
    bar = colour_bar(600)[8].astype(int)
    assert bar[90, 2] > bar[90, 0] + 20
    assert bar[509, 0] > bar[509, 2] + 20
    assert np.ptp(bar[300]) < 12


def test_each_view_shows_its_own_image(plain):
    """In the middle of the lowest ball: the MR grey, the CT white, the bone over the MR warm."""
    mr, ct, labels = plain
    nothing = ct * 0
    pictures = plane_pictures(mr, Moved(nothing, labels * 0), Moved(ct, labels))["Axial"]
    rows, columns = pictures.mr.shape[:2]
    here = rows // 2 - 12, columns // 2  # off the outline and the letters
    assert np.ptp(pictures.mr[here].astype(int)) == 0
    assert pictures.ct[here].astype(int).tolist() == [191, 191, 191]  # 700 HU between -200 and 1000
    assert pictures.registered[here][0] > pictures.registered[here][2] + 30
    assert np.ptp(pictures.before[here].astype(int)) == 0


def test_the_overview_is_before_above_registered(plain):
    mr, ct, labels = plain
    pictures = plane_pictures(mr, Moved(ct * 0, labels * 0), Moved(ct, labels))
    upper, lower = np.array_split(before_after_overview(pictures).astype(int), 2)
    warm = [np.count_nonzero(half[..., 0] > half[..., 2] + 60) for half in (upper, lower)]
    assert warm[0] == 0
    assert warm[1] > 1000


def test_files_are_what_they_say(plain):
    picture = planes_of(*plain)["Axial"].registered
    np.testing.assert_array_equal(pixels(as_png(picture)), picture)
    assert as_jpeg(picture).startswith(b"\xff\xd8")
    assert np.abs(pixels(as_jpeg(picture)) - picture.astype(int)).mean() < 3


def test_images_far_apart_or_without_labels_still_make_a_picture(plain):
    mr, ct, labels = plain
    far = sitk.Image(ct)
    far.SetOrigin((900, 900, 900))
    empty = labels * 0
    for before, after in ((Moved(far, empty), Moved(ct, labels)), (Moved(ct, labels), Moved(far, empty))):
        assert before_after_overview(plane_pictures(mr, before, after)).size > 1e5
    assert heatmap(volume_change_pictures(mr, far, empty)).size > 1e5


@pytest.mark.slow
def test_importing_loads_no_drawing_library():
    code = (
        "import sys, spine_ctmr.report.pictures, spine_ctmr.report.page;"
        "sys.exit(int(any(m in sys.modules for m in ('matplotlib', 'PIL'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not (DATA / "STS_007").is_dir(), reason="the real pair STS_007 is not at hand")
def test_real_pair_shows_more_bone_on_its_outlines_after_alignment():
    folder = DATA / "STS_007"
    mr, ct, labels = (sitk.ReadImage(str(folder / f"{n}.nii.gz")) for n in ("mr", "ct", "ct_labels"))
    matrix = np.array(json.loads((folder / "landmark_fit.json").read_text())["T_ct_to_mr_rigid"])
    pose = sitk.AffineTransform(3)
    pose.SetMatrix(matrix[:3, :3].ravel())
    pose.SetTranslation(matrix[:3, 3])
    mr_to_ct = pose.GetInverse()
    ct_after = sitk.Resample(ct, mr, mr_to_ct, sitk.sitkLinear, -1024.0)
    labels_after = sitk.Resample(labels, mr, mr_to_ct, sitk.sitkNearestNeighbor, 0)
    planes = plane_pictures(mr, Moved(ct, labels), Moved(ct_after, labels_after))
    picture = before_after_overview(planes).astype(int)
    assert 900 < picture.shape[1] < 1300
    upper, lower = np.array_split(picture, 2)
    assert [np.count_nonzero(half[..., 0] > half[..., 2] + 60) > 5000 for half in (upper, lower)] == [
        True,
        True,
    ]
    for number, wanted in json.loads((folder / "centroids.json").read_text()).items():
        if number in ("23", "24"):
            found = body_center(label_boxes(labels_after)[int(number)])
            assert np.linalg.norm(found - wanted["mr_lps"]) < 8
