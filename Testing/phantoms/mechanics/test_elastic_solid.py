"""The elastic solid against solutions known in closed form and against scikit-fem's own elasticity."""

from __future__ import annotations

import numpy as np
import pytest

skfem = pytest.importorskip("skfem", reason="needs the extra 'research'")
pytest.importorskip("pyamg", reason="needs the extra 'research'")

from skfem.models.elasticity import lame_parameters, linear_elasticity  # noqa: E402
from spine_ctmr.phantoms.mechanics.elastic_solid import ElasticSolid, TensorMesh  # noqa: E402
from spine_ctmr.phantoms.mechanics.stiffness import POISSON  # noqa: E402

AXES = (np.array([0, 1, 2.5, 3, 5, 6.0]), np.array([0, 1, 2, 3, 5.0]), np.linspace(0, 4, 6))


def solid_of(mesh: TensorMesh, young: np.ndarray) -> ElasticSolid:
    return ElasticSolid.prepared(mesh, young, mesh.on_border())


def test_an_affine_motion_of_the_border_is_affine_inside():
    mesh = TensorMesh.of(AXES)
    affine = np.random.default_rng(0).normal(0, 0.1, (3, 3))
    moved = solid_of(mesh, np.ones(len(mesh.middles))).displacement(mesh.nodes @ affine.T)
    assert np.abs(moved - mesh.nodes @ affine.T).max() < 1e-3
    assert not mesh.on_border().all()


def test_a_bar_of_two_materials_stretches_as_springs_in_series():
    """Held sideways, with the softer half on the right: the stress is the same in both."""
    mesh = TensorMesh.of(AXES)
    young = np.where(mesh.middles[:, 0] < 3, 10.0, 2.0)
    left, right = 1 / 10, 1 / 2
    x = mesh.nodes[:, 0]
    expected = np.zeros_like(mesh.nodes)
    expected[:, 0] = np.where(x < 3, left * x, left * 3 + right * (x - 3))
    moved = solid_of(mesh, young).displacement(expected)
    assert np.abs(moved - expected).max() < 2e-3
    uniform = solid_of(mesh, np.ones_like(young)).displacement(expected)
    assert np.abs(uniform - expected).max() > 0.1


def test_the_stiffness_is_that_of_scikit_fems_vector_elements():
    mesh = TensorMesh.of(AXES)
    basis = skfem.Basis(mesh.mesh, skfem.ElementVector(skfem.ElementTetP1()), intorder=1)
    order = basis.nodal_dofs.T.reshape(-1)
    known = linear_elasticity(*lame_parameters(1.0, POISSON)).assemble(basis)[order][:, order]
    ours = solid_of(mesh, np.ones(len(mesh.middles))).stiffness
    assert abs(known - ours).max() < 1e-12


def test_a_load_pulls_the_free_nodes_its_way_and_twice_the_load_twice_as_far():
    mesh = TensorMesh.of(AXES)
    solid, still = solid_of(mesh, np.ones(len(mesh.middles))), np.zeros_like(mesh.nodes)
    pull = np.where(solid.held[:, None], 0, [0, 0, 1.0])
    once, twice = solid.displacement(still, pull), solid.displacement(still, 2 * pull)
    assert (once[~solid.held][:, 2] > 0).all()
    assert not once[solid.held].any()
    np.testing.assert_allclose(twice, 2 * once, atol=5e-3 * np.abs(twice).max())
