import numpy as np
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

angles = st.tuples(*[st.floats(-180, 180)] * 3)
signs = st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)
sizes = st.tuples(*[st.integers(1, 12)] * 3)
spacings = st.tuples(*[st.floats(0.1, 10)] * 3)
origins = st.tuples(*[st.floats(-2000, 2000)] * 3)


@st.composite
def images(draw):
    """Oblique, anisotropic, flipped, permuted and left-handed geometries."""
    axes = Rotation.from_euler("xyz", draw(angles), degrees=True).as_matrix()
    axes = axes[:, draw(st.permutations([0, 1, 2]))] * draw(signs)
    image = sitk.Image(draw(sizes), sitk.sitkUInt8)
    image.SetSpacing(draw(spacings))
    image.SetOrigin(draw(origins))
    image.SetDirection(axes.ravel().tolist())
    return image


@given(images(), st.tuples(*[st.floats(-50, 50)] * 3))
@settings(max_examples=60, deadline=None)
def test_points_and_indices_as_itk_computes_them(image, index):
    grid = Grid.of(image)
    point = image.TransformContinuousIndexToPhysicalPoint(index)
    np.testing.assert_allclose(grid.to_points(index), point, atol=1e-8)
    np.testing.assert_allclose(grid.to_indices(point), index, atol=1e-7)


@given(images())
@settings(max_examples=30, deadline=None)
def test_all_points_corners_and_center(image):
    grid = Grid.of(image)
    points = grid.points()
    assert points.shape == (*image.GetSize()[::-1], 3)
    last = [n - 1 for n in image.GetSize()]
    np.testing.assert_allclose(points[-1, -1, -1], image.TransformIndexToPhysicalPoint(last), atol=1e-8)
    np.testing.assert_allclose(grid.corners().mean(0), grid.center_mm, atol=1e-8)
    assert grid.contains(points).all()
    assert not grid.contains(grid.to_points([-0.51, 0, 0]))


@given(images(), st.data())
@settings(max_examples=30, deadline=None)
def test_crop_as_itk_crops(image, data):
    size = image.GetSize()
    start = [data.draw(st.integers(0, n - 1)) for n in size]
    length = [data.draw(st.integers(1, n - s)) for n, s in zip(size, start, strict=True)]
    truth = sitk.RegionOfInterest(image, length, start)
    assert Grid.of(image).crop(start, length).same_as(Grid.of(truth))


@given(images(), angles, st.tuples(*[st.floats(-100, 100)] * 3))
@settings(max_examples=30, deadline=None)
def test_a_moved_grid_has_the_moved_points_of_its_voxels(image, turns, shift):
    turn = sitk.Euler3DTransform((3.0, -4.0, 5.0), *np.radians(turns).tolist(), shift)
    moved = Grid.of(image).moved(
        Pose.of(np.reshape(turn.GetMatrix(), (3, 3)), turn.TransformPoint((0, 0, 0)))
    )
    for index in np.ndindex(*image.GetSize()[:2], 1):
        there = turn.TransformPoint(image.TransformIndexToPhysicalPoint(index))
        np.testing.assert_allclose(moved.to_points(index), there, atol=1e-6)


@given(images(), st.floats(0.5, 3), st.floats(0, 20))
@settings(max_examples=30, deadline=None)
def test_grid_around_points_holds_them_and_their_margin(image, spacing, margin):
    points = Grid.of(image).corners()
    around = Grid.around(points, spacing, margin, image.GetDirection())
    assert around.contains(points, margin).all()


@given(images())
@settings(max_examples=20, deadline=None)
def test_images_carry_the_grid(image):
    grid = Grid.of(image)
    assert grid.same_as(Grid.of(grid.empty()))
    vectors = grid.image(np.zeros((*grid.shape, 3), np.float32))
    assert grid.same_as(Grid.of(vectors))
    assert vectors.GetNumberOfComponentsPerPixel() == 3


def test_float_noise_in_the_header_is_the_same_grid():
    grid = Grid((100, 100, 100), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert grid.same_as(Grid((100, 100, 100), (1.00001, 1.0, 1.0), (1e-4, 0.0, 0.0)))
    assert not grid.same_as(Grid((100, 100, 100), (1.0, 1.0, 1.0), (0.5, 0.0, 0.0)))
    assert not grid.same_as(Grid((100, 100, 99), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
