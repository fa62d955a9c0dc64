"""Small elastic deformations of a solid of many materials, by finite elements (scikit-fem, pyamg)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...errors import InputError
from .stiffness import POISSON

try:
    import pyamg
    import skfem
except ImportError as error:
    raise InputError(
        f"Synthetic patients need '{error.name}'; install the extra 'research' (scikit-fem, pyamg)."
    ) from error

_TOLERANCE = 1e-3
"""Relative residual of the forces."""
_COARSEST, _STRONG = 300, 0.05
"""Unknowns of the coarsest level, and from which coupling on neighbours are joined to one unknown above."""
_PAIRS = tuple((i, j) for i in range(3) for j in range(i, 3))


@dataclass(frozen=True)
class TensorMesh:
    """A box of tetrahedra on a tensor grid.

    Attributes:
        axes: coordinates in mm of the nodes along x, y and z, ascending.
        mesh: six tetrahedra in each cell.
    """

    axes: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    mesh: skfem.MeshTet

    @classmethod
    def of(cls, axes: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> TensorMesh:
        """The mesh with these node coordinates."""
        return cls(axes, skfem.MeshTet.init_tensor(*axes))

    @property
    def nodes(self) -> NDArray[Any]:
        """Places (n, 3) in mm."""
        return self.mesh.p.T

    @property
    def middles(self) -> NDArray[Any]:
        """Middles (m, 3) in mm of the tetrahedra."""
        return self.mesh.p[:, self.mesh.t].mean(1).T

    def on_border(self, sides: int = 3) -> NDArray[np.bool_]:
        """Whether each node (n,) lies on the faces of the box that end its first `sides` axes."""
        places = list(zip(self.mesh.p, self.axes, strict=True))[:sides]
        return np.logical_or.reduce([(p == a[0]) | (p == a[-1]) for p, a in places])

    def arranged(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (n, k) of the nodes as an array (z, y, x, k)."""
        x, y, z = (np.searchsorted(a, p) for a, p in zip(self.axes, self.mesh.p, strict=True))
        result = np.empty((*(len(a) for a in self.axes[::-1]), values.shape[1]), values.dtype)
        result[z, y, x] = values
        return result


@dataclass(frozen=True)
class ElasticSolid:
    """A solid whose held nodes are moved; prepared once for any number of motions.

    Attributes:
        held: (n,) whether a node's displacement is given.
        stiffness: (3n, 3n), three rows for each node.
        solver: of the free nodes' part.
    """

    held: NDArray[np.bool_]
    stiffness: sp.csr_matrix
    solver: Any

    @classmethod
    def prepared(cls, mesh: TensorMesh, young: NDArray[Any], held: NDArray[np.bool_]) -> ElasticSolid:
        """The solid with a Young's modulus (m,) for each tetrahedron, of any unit, and held nodes (n,)."""
        stiffness = _stiffness(mesh.mesh, young)
        free = np.repeat(~held, 3)
        inner = stiffness[free][:, free].tobsr((3, 3))
        modes = _rigid_modes(mesh.nodes[~held])
        with _same_random_numbers():
            solver = pyamg.smoothed_aggregation_solver(
                inner,
                B=modes,
                strength=("symmetric", {"theta": _STRONG}),
                smooth="jacobi",
                improve_candidates=None,
                max_coarse=_COARSEST,
            )
        return cls(held, stiffness, solver)

    def displacement(
        self, given: NDArray[Any], load: NDArray[Any] | None = None, start: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Displacement (n, 3) of the nodes in equilibrium.

        Args:
            given: (n, 3) displacement of the held nodes; elsewhere without influence.
            load: (n, 3) forces at the free nodes; none at rest.
            start: (n, 3) a guess, for speed.
        """
        free = np.repeat(~self.held, 3)
        held = np.where(self.held[:, None], given, 0.0).reshape(-1)
        force = np.zeros_like(held) if load is None else load.reshape(-1)
        right = (force - self.stiffness @ held)[free]
        guess = None if start is None else start.reshape(-1)[free]
        result = held.copy()
        result[free] = self.solver.solve(right, x0=guess, tol=_TOLERANCE, accel="cg", maxiter=200)
        return result.reshape(-1, 3)


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """For pyamg, which starts its estimates with numpy's global random numbers."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _stiffness(mesh: skfem.MeshTet, young: NDArray[Any]) -> sp.csr_matrix:
    """Of linear isotropic elasticity, from scalar products of derivatives: quicker than vector elements."""
    basis = skfem.Basis(mesh, skfem.ElementTetP1(), intorder=1)
    modulus = np.broadcast_to(young[:, None], basis.dx.shape)
    products = {pair: _derivative_product(*pair).assemble(basis, e=modulus) for pair in _PAIRS}
    products |= {(j, i): product.T for (i, j), product in products.items()}
    bulk, shear = POISSON / ((1 + POISSON) * (1 - 2 * POISSON)), 1 / (2 * (1 + POISSON))
    laplacian = products[0, 0] + products[1, 1] + products[2, 2]
    size = 3 * mesh.nvertices
    total = sp.csr_matrix((size, size))
    for (i, j), product in products.items():
        block = bulk * product + shear * products[j, i]
        block = (block + shear * laplacian if i == j else block).tocoo()
        total = total + sp.csr_matrix((block.data, (3 * block.row + i, 3 * block.col + j)), (size, size))
    return total


def _derivative_product(i: int, j: int) -> skfem.BilinearForm:
    """E times the derivative along axis j of the trial and along axis i of the test function."""
    return skfem.BilinearForm(lambda u, v, w: w.e * u.grad[j] * v.grad[i])


def _rigid_modes(nodes: NDArray[Any]) -> NDArray[Any]:
    """Shifts and small rotations (3n, 6) of nodes (n, 3): what deforms nothing."""
    x, y, z = ((nodes - nodes.mean(0)) / nodes.std()).T
    modes = np.zeros((len(nodes), 3, 6))
    modes[:, [0, 1, 2], [0, 1, 2]] = 1
    modes[:, 0, 3], modes[:, 1, 3] = -y, x
    modes[:, 1, 4], modes[:, 2, 4] = -z, y
    modes[:, 2, 5], modes[:, 0, 5] = -x, z
    return modes.reshape(-1, 6)
