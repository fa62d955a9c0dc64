"""Affine registration before the network, and the divisions of synthetic patients (Cao et al. 2018)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from spine_ctmr.errors import InputError
from spine_ctmr.network.affine_start import affine_by_information
from spine_ctmr.network.integration import warp
from spine_ctmr.phantoms.patient import Pair
from spine_ctmr.phantoms.tissue import SEQUENCES
from spine_ctmr.research.training import synthetic_data
from spine_ctmr.research.training.recipe import DataOptions
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe
from spine_ctmr.research.training.synthetic_data import divided_pairs, pair_affine, with_moved_ct

SPACING = 2.0
SHAPE = (36, 32, 40)


def indices() -> np.ndarray:
    return np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"))


def tissue(places: np.ndarray) -> np.ndarray:
    """A smooth image at places (z, y, x) in voxels."""
    volume = gaussian_filter(np.random.default_rng(0).normal(size=(60, 60, 60)), 3)
    return map_coordinates(volume / volume.std(), places + 10, order=1)


def affine() -> np.ndarray:
    """A stretch and a shift, in mm along (x, y, z)."""
    matrix = np.diag([1.06, 0.97, 1.0, 1.0])
    matrix[:3, 3] = (-2.0, 3.0, 4.0)
    return matrix


def test_the_affine_map_of_two_modalities_is_found() -> None:
    places = indices()
    mm = np.moveaxis(places[::-1], 0, -1) * SPACING
    taken = (mm @ affine()[:3, :3].T + affine()[:3, 3])[..., ::-1] / SPACING
    moving = tissue(places)
    fixed = np.abs(tissue(np.moveaxis(taken, -1, 0)) - 0.5)
    found = affine_by_information(fixed, moving, SPACING)
    corners = np.array([[0, 0, 0, 1], [78, 62, 70, 1], [78, 0, 70, 1], [0, 62, 0, 1]], float)
    np.testing.assert_allclose(corners @ found.T, corners @ affine().T, atol=1.0)
    assert np.linalg.norm(corners @ affine().T - corners, axis=1).min() > 3


def test_a_pair_keeps_its_truth_when_its_ct_is_moved() -> None:
    """What the true motion shows of the CT stays the same, whatever was done to the CT before."""
    rng = np.random.default_rng(1)
    motion = np.stack([gaussian_filter(rng.normal(size=SHAPE), 6) * 60 for _ in range(3)], -1)
    ct = 100 * tissue(indices())
    labels = np.zeros(SHAPE, np.uint8)
    pair = Pair(ct, np.zeros((5, *SHAPE)), motion, labels, labels, SPACING)
    moved = with_moved_ct(pair, affine())
    shown = [
        warp(
            torch.from_numpy(p.ct.astype(np.float64))[None, None],
            torch.from_numpy(p.displacement.astype(np.float64)).permute(3, 0, 1, 2)[None],
            SPACING,
        )[0, 0, 8:-8, 8:-8, 8:-8]
        for p in (pair, moved)
    ]
    assert (shown[0] - shown[1]).abs().mean() < 0.12 * shown[0].std()
    assert np.abs(moved.displacement - motion).max() > 3


def test_pairs_are_registered_as_scanners_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise and a field of view where the training has them, the pair's own images where it has none."""
    rng = np.random.default_rng(2)
    signals = rng.uniform(0.2, 1, size=(5, *SHAPE)).astype(np.float32)
    nothing = np.zeros((*SHAPE, 3), np.float32)
    labels = np.zeros(SHAPE, np.uint8)
    pair = Pair(100 * tissue(indices()), signals, nothing, labels, labels, SPACING)
    seen: list[tuple[np.ndarray, ...]] = []

    def answer(*images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return affine()

    monkeypatch.setattr(synthetic_data, "affine_by_information", answer)
    for scanned in (False, True, True):
        found = pair_affine(np.random.default_rng(5), pair, "T2", scanned)
        np.testing.assert_array_equal(found, affine())
    ideal, first, again = seen
    np.testing.assert_array_equal(ideal[0], signals[SEQUENCES.index("T2")])
    np.testing.assert_array_equal(ideal[1], pair.ct)
    assert [len(images) for images in seen] == [3, 4, 4]
    assert set(np.unique(first[3])) <= {0, 1}
    assert np.abs(first[1] - pair.ct).mean() > 1
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("empty", ["MR", "CT", "field of view"])
def test_images_that_show_nothing_are_refused_in_a_sentence(empty: str) -> None:
    seen = np.full((24, 24, 24), float(empty != "field of view"))
    mr, ct = (np.random.default_rng(k).normal(size=seen.shape) * 100 for k in range(2))
    mr, ct = mr * (empty != "MR"), ct * (empty != "CT")
    with pytest.raises(InputError, match="found nothing to compare; check that both show"):
        affine_by_information(mr, ct, 2.0, seen)


def test_folds_hold_out_other_patients_and_learn_from_all_the_others() -> None:
    options = DataOptions(pairs=31, held_out=9, folds=3)
    folds = [divided_pairs(replace(options, fold=k)) for k in range(3)]
    held_out = [place for fold in folds for place in fold.held_out]
    assert len(set(held_out)) == 27
    for fold in folds:
        assert (len(fold.training), len(fold.held_out)) == (31, 9)
        assert len({*fold.training, *fold.held_out}) == 40
    one = divided_pairs(DataOptions(pairs=3, held_out=2))
    assert not {seed for seed, _ in one.training} & {seed for seed, _ in one.held_out}
    for wrong in ({"folds": 3, "fold": 3}, {"folds": 9, "held_out": 9}):
        with pytest.raises(InputError, match=r"data\.fold"):
            replace(options, **wrong)  # type: ignore[arg-type]


def test_every_recipe_of_the_paper_starts_from_the_affine_registration() -> None:
    for name in ("cao_dual", "cao_ct_only", "cao_mr_only"):
        recipe = load_recipe(find_recipe(name))
        assert recipe.data.affine
        assert recipe.own_data.affine
        assert recipe.data.start_errors_mm == ()
