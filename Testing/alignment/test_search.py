"""The automatic start finds a patient that was only shifted between the scans."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spine_ctmr.alignment.start import Start, find_start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.case import Case
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.rendering import contrast_table, render
from spine_ctmr.phantoms.tissue import ct_contrast, mr_contrast

SHIFT = np.array([21.0, -34.0, 47.0])


Centers = dict[int, np.ndarray]


def shifted(levels: tuple[int, ...], shown: tuple[int, ...]) -> tuple[Case, Centers]:
    """CT and T1 MR of one rigidly shifted patient, each rendered from the anatomy, and its CT centres.

    The MR shows some of the levels, with what is around them.
    """
    rng = np.random.default_rng(11)
    anatomy = make_anatomy(rng, levels)
    centers = dict(zip(anatomy.numbers, anatomy.centers, strict=True))
    grid = Grid.around(anatomy.centers + np.array([0, 12, 0]), 3.0, 42.0)
    part = np.array([centers[n] for n in shown]) + np.array([0, 12, 0])
    field = Grid.around(part, 3.0, 42.0 if shown == levels else 20.0)
    tables = contrast_table([ct_contrast(rng)]), contrast_table([mr_contrast(rng, "T1")])

    def scan(grid: Grid, shift: np.ndarray, table: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        points = torch.tensor(grid.points().reshape(-1, 3) - shift, dtype=torch.float32)
        values, labels = render(anatomy, points, table, 2.0)
        return values[:, 0].reshape(grid.shape).numpy(), labels.reshape(grid.shape).numpy()

    ct, labels = scan(grid, np.zeros(3), tables[0])
    sagittal = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
    mr_grid = Grid.around(field.corners() + SHIFT + [4.0, -6.0, 5.0], (2.0, 2.0, 4.0), 0.0, sagittal)
    mr, _ = scan(mr_grid, SHIFT, tables[1])
    mr = np.hypot(mr + rng.normal(0, 0.02, mr.shape), rng.normal(0, 0.02, mr.shape)).astype(np.float32)
    return Case(grid.image(ct), mr_grid.image(mr * 500), grid.image(labels)), centers


def errors(start: Start, centers: Centers) -> np.ndarray:
    """Distances in mm of the centres from where they are in the MR."""
    return np.array([np.linalg.norm(start.global_rigid.apply(c) - c - SHIFT) for c in centers.values()])


@pytest.fixture(scope="module")
def shifted_case() -> tuple[Case, Centers]:
    return shifted((21, 22, 23), (21, 22, 23))


@pytest.fixture(scope="module")
def start(shifted_case: tuple[Case, Centers]) -> Start:
    return find_start(shifted_case[0])


def test_search_finds_the_shift(shifted_case: tuple[Case, Centers], start: Start) -> None:
    assert errors(start, shifted_case[1]).max() < 5


@pytest.mark.parametrize("shown", [(17, 18), (22, 23)], ids=["upper end", "lower end"])
def test_search_finds_a_short_mr_of_a_long_spine(shown: tuple[int, ...]) -> None:
    """The MR shows a third of the bones of the CT; one level is 25 mm and more."""
    case, centers = shifted((17, 18, 19, 20, 21, 22, 23), shown)
    assert errors(find_start(case), centers).max() < 9


def test_search_result_is_rigid(start: Start) -> None:
    rotation = start.global_rigid.rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)


def test_start_says_that_the_images_chose_the_level(start: Start) -> None:
    assert "images" in start.found_by
    assert not start.mr_centers
