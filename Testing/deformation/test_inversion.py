"""Sampling, refining and inverting displacement fields against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from spine_ctmr.deformation.inversion import invert_displacement, refine_grid
from spine_ctmr.geometry.boxes import node_coordinates
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.sampling import sample_field

BOX = Grid((33, 29, 25), (1.5, 1.5, 1.5), (7.0, -3.0, 11.0))


def _swirl(points: torch.Tensor) -> torch.Tensor:
    """A smooth displacement of up to 3 mm that vanishes on the border of the box."""
    length = (torch.tensor(BOX.size) - 1) * 1.5
    window = torch.sin(torch.pi * points / length).prod(-1, keepdim=True)
    return 3 * window * torch.sin(points.flip(-1) / 7 + torch.tensor([0.0, 1.0, 2.0]))


def test_node_coordinates_are_millimetres_from_the_first_node() -> None:
    local = node_coordinates(BOX).double().numpy()
    np.testing.assert_allclose(np.array(BOX.origin_mm) + local, BOX.points(), atol=1e-4)


def test_sampling_a_linear_field_is_exact_between_the_nodes() -> None:
    matrix = torch.tensor([[0.3, -0.1, 0.2], [0.0, 0.4, -0.3], [0.1, 0.2, 0.5]])
    nodes = node_coordinates(BOX)
    points = torch.rand((500, 3), generator=torch.Generator().manual_seed(0)) * nodes[-1, -1, -1]
    found = sample_field(nodes @ matrix.T, points, 1.5)
    torch.testing.assert_close(found, points @ matrix.T, atol=1e-4, rtol=0)


def test_sampling_agrees_with_scipy() -> None:
    field = torch.randn((7, 8, 9, 3), generator=torch.Generator().manual_seed(1))
    points = torch.rand((4, 5, 3), generator=torch.Generator().manual_seed(2)) * torch.tensor(
        [16.0, 14.0, 12.0]
    )
    index = (points / 2).flip(-1).reshape(-1, 3).T.numpy()
    expected = np.stack([map_coordinates(field[..., c].numpy(), index, order=1) for c in range(3)], -1)
    np.testing.assert_allclose(sample_field(field, points, 2.0).reshape(-1, 3), expected, atol=1e-5)


def test_sampling_outside_takes_the_nearest_value_of_the_border() -> None:
    field = node_coordinates(BOX)
    found = sample_field(field, torch.tensor([[-50.0, 6.0, 9.0], [12.0, 6.0, 1e4]]), 1.5)
    expected = torch.tensor([[0.0, 6.0, 9.0], [12.0, 6.0, 36.0]])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("stride", [2, 3])
def test_refined_nodes_lie_where_the_coarse_ones_were(stride: int) -> None:
    box = Grid((13, 19, 25), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    coarse = node_coordinates(box.coarse(stride))
    torch.testing.assert_close(refine_grid(coarse, box.shape), node_coordinates(box), atol=1e-4, rtol=0)


@pytest.mark.parametrize("stride", [1, 2])
def test_inverse_undoes_a_smooth_displacement(stride: int) -> None:
    nodes = node_coordinates(BOX)
    inverse = invert_displacement(_swirl(nodes), BOX, stride)
    back = nodes + inverse
    assert float((back + _swirl(back) - nodes).norm(dim=-1).max()) < 0.1


def test_inverse_of_no_displacement_is_none() -> None:
    assert not invert_displacement(torch.zeros((*BOX.shape, 3)), BOX).any()


def test_inverse_of_a_uniform_scaling() -> None:
    """x -> 0.9 x + c has the inverse (x - c) / 0.9; away from the border, where values are clamped."""
    nodes = node_coordinates(BOX)
    middle = nodes[12, 14, 16]
    inverse = invert_displacement(-0.1 * (nodes - middle), BOX)
    expected = (nodes - middle) * (1 / 0.9 - 1)
    inner = (slice(6, -6),) * 3
    torch.testing.assert_close(inverse[inner], expected[inner], atol=1e-3, rtol=0)
