"""The determinant against analytic fields on every kind of grid, and against SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry import jacobian
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.jacobian import (
    folding_count,
    jacobian_determinant,
    sd_log_jacobian,
    sd_log_jacobian_learn2reg,
)

OBLIQUE = Rotation.from_euler("xyz", (25, -35, 50), degrees=True).as_matrix()
DIRECTIONS = {
    "plain": np.eye(3),
    "oblique": OBLIQUE,
    "left-handed": OBLIQUE @ np.diag([1, 1, -1]),
    "sagittal": np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]),
}


def grid_with(direction, size=(17, 14, 11), spacing=(0.7, 1.1, 2.3)):
    return Grid(size, spacing, (-30.0, 12.0, 400.0), tuple(np.ravel(direction)))


def wave(points):
    """A smooth displacement (..., 3) and its derivative (..., 3, 3), both analytic."""
    frequency = np.array([[0.031, 0.02, -0.012], [-0.014, 0.027, 0.022], [0.018, -0.025, 0.033]])
    amplitude = np.array([5.0, -4.0, 6.0])
    phase = points @ frequency.T
    return amplitude * np.sin(phase), (amplitude * np.cos(phase))[..., None] * frequency


@pytest.mark.parametrize("name", DIRECTIONS)
def test_an_affine_field_has_its_determinant_everywhere(name):
    grid = grid_with(DIRECTIONS[name])
    matrix = np.array([[1.1, 0.2, -0.1], [0.05, 0.8, 0.15], [-0.2, 0.1, 1.3]])
    displacement = (grid.points() - grid.center_mm) @ (matrix - np.eye(3)).T
    found = jacobian_determinant(displacement, grid)
    assert found.dtype == np.float32
    assert found.shape == grid.shape
    np.testing.assert_allclose(found, np.linalg.det(matrix), atol=2e-5)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_curved_field_agrees_with_its_analytic_derivative(name):
    grid = grid_with(DIRECTIONS[name])
    displacement, derivative = wave(grid.points())
    wanted = np.linalg.det(np.eye(3) + derivative)
    found = jacobian_determinant(displacement.astype(np.float32), grid)
    inner = (slice(1, -1),) * 3
    assert np.ptp(wanted) > 0.1
    np.testing.assert_allclose(found[inner], wanted[inner], atol=1e-3)
    np.testing.assert_allclose(found, wanted, atol=2e-2)


def test_a_mirrored_field_folds():
    grid = grid_with(OBLIQUE)
    displacement = np.zeros((*grid.shape, 3))
    displacement[..., 0] = -2 * grid.points()[..., 0]
    np.testing.assert_allclose(jacobian_determinant(displacement, grid), -1, atol=1e-3)
    assert folding_count(jacobian_determinant(displacement, grid)) == np.prod(grid.shape)


def test_agrees_with_itk_where_itk_is_right():
    """ITK's filter ignores the direction and halves derivatives at the border (seen with ITK 5.4)."""
    grid = grid_with(np.eye(3))
    displacement = wave(grid.points())[0]
    reference = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(grid.image(displacement)))
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(jacobian_determinant(displacement, grid)[inner], reference[inner], atol=1e-5)


@pytest.mark.parametrize("voxels", [1, 400, 10**6])
def test_slabs_do_not_show(monkeypatch, voxels):
    grid = grid_with(OBLIQUE)
    displacement = wave(grid.points())[0]
    whole = jacobian_determinant(displacement, grid)
    monkeypatch.setattr(jacobian, "SLAB_VOXELS", voxels)
    np.testing.assert_array_equal(jacobian_determinant(displacement, grid), whole)


def test_a_single_slice_has_no_derivative_across():
    grid = grid_with(np.eye(3), size=(6, 5, 1))
    displacement = 0.25 * grid.points()
    np.testing.assert_allclose(jacobian_determinant(displacement, grid), 1.25**2, atol=1e-4)


def test_a_field_on_another_grid_is_refused():
    with pytest.raises(ValueError, match="shape"):
        jacobian_determinant(np.zeros((3, 4, 5, 3)), grid_with(np.eye(3)))


def test_input_is_left_alone():
    grid = grid_with(OBLIQUE)
    displacement = wave(grid.points())[0].astype(np.float32)
    copy = displacement.copy()
    jacobian_determinant(displacement, grid)
    np.testing.assert_array_equal(displacement, copy)


def test_summaries():
    values = np.exp(np.array([[-0.3, 0.3], [-0.3, 0.3]], np.float32))
    assert sd_log_jacobian(values) == pytest.approx(0.3, abs=1e-6)
    assert sd_log_jacobian_learn2reg(values) == pytest.approx(np.std(np.log(values + 3)), abs=1e-6)
    assert sd_log_jacobian(values) > 3 * sd_log_jacobian_learn2reg(values)
    folded = np.array([1.0, -0.5, 0.0, np.nan, 2.0])
    assert folding_count(folded) == 3
    assert folding_count(folded, np.array([1, 1, 0, 0, 1])) == 1
    assert sd_log_jacobian(folded) == pytest.approx(np.log(2) / 2)
    assert np.isnan(sd_log_jacobian(np.array([-1.0])))
