"""The start from vertebra labels of the MR, some of them at its border."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from spine_ctmr.alignment.start import find_start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.case import Case

from .conftest import Labeller

SHIFT = np.array([6.0, -9.0, 14.0])


def centers(*numbers: int) -> dict[int, np.ndarray]:
    return {n: np.array([0.0, 0.0, -30.0 * (n - 20)]) for n in numbers}


def test_the_only_common_vertebra_counts_at_the_border_too(label_vertebrae: Labeller) -> None:
    """The CT shows L4 and below, the MR ends in the lower part of L4."""
    ct_grid = Grid((100, 120, 90), (1.0, 1.0, 1.0), (-50.0, -45.0, -145.0))
    mr_grid = Grid((100, 120, 110), (1.0, 1.0, 1.0), (-44.0, -54.0, -98.0 + SHIFT[2]))
    ct_labels = label_vertebrae(ct_grid, centers(23, 24))
    mr_labels = label_vertebrae(mr_grid, {n: c + SHIFT for n, c in centers(20, 21, 22, 23).items()})
    blank = sitk.Image(ct_labels.GetSize(), sitk.sitkInt16)

    start = find_start(Case(blank, mr_grid.empty(sitk.sitkInt16), ct_labels, mr_vertebrae=mr_labels))

    assert set(start.mr_centers) == {23}
    np.testing.assert_allclose(start.global_rigid.apply(np.zeros(3)), SHIFT, atol=6)
