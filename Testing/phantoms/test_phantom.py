"""A phantom's scans show what its truth says, whichever way it moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.mr_physics import ChemicalShift
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom

pytest.importorskip("skfem", reason="needs the extra 'research'")
pytest.importorskip("pyamg", reason="needs the extra 'research'")

from spine_ctmr.phantoms.mechanics.posture import PostureOptions

SMALL = PhantomOptions(
    levels=(22, 23),
    mr_spacing_mm=(2.0, 2.5),
    ct_spacing_mm=(2.0, 2.5),
    margin_mm=4.0,
    tilt_deg=0.0,
    mr_noise=0.0,
    motion=PostureOptions(bend=0.5),
)
SHIFT_MM = 2.0


@pytest.fixture(scope="module")
@slow_fixture
def elastic() -> Phantom:
    return make_phantom(5, SMALL)


def test_bones_move_by_their_poses_and_tissue_by_neither(elastic: Phantom) -> None:
    grid = Grid.of(elastic.case.vertebrae)
    labels = sitk.GetArrayViewFromImage(elastic.case.vertebrae)
    for number, pose in elastic.poses.items():
        bone = grid.to_points(np.argwhere(labels == number)[::20, ::-1])
        np.testing.assert_allclose(elastic.mr_to_ct_points(pose.apply(bone)), bone, atol=1e-6)
    upper, lower = elastic.poses.values()
    assert (upper.inverse @ lower).angle_deg > 0.5
    between = upper.apply(np.mean(elastic.anatomy.centers, 0, keepdims=True))
    there = elastic.mr_to_ct_points(between)
    for pose in (upper, lower):
        assert np.linalg.norm(pose.apply(there) - between) > 0.05


@pytest.mark.slow
def test_fat_appears_beside_where_it_is(elastic: Phantom) -> None:
    """The same patient, scanned with a chemical shift along its rows: fat moves, water stays."""
    shift = ChemicalShift((0.0, SHIFT_MM, 0.0), marrow_fat=1.0)
    shifted = make_phantom(5, replace(SMALL, chemical_shift=shift))
    still, moved = (sitk.GetArrayFromImage(p.case.mr).astype(float) for p in (elastic, shifted))
    rows = {k: np.roll(still, k, 2)[:, 4:-4, 4:-4] for k in (-1, 0, 1)}
    apart = {k: np.abs(moved[:, 4:-4, 4:-4] - row).mean() for k, row in rows.items()}
    assert min(apart, key=apart.__getitem__) == 1
