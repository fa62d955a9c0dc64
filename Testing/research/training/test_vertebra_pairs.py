"""Pairs of single vertebrae: what they show, which they are, and that they are kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from spine_ctmr.errors import InputError
from spine_ctmr.phantoms.patient import EDITION
from spine_ctmr.phantoms.single_vertebra import make_vertebra_crop
from spine_ctmr.research.training.recipe import recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe
from spine_ctmr.research.training.vertebra_options import VertebraOptions
from spine_ctmr.research.training.vertebra_pairs import VertebraPairs, vertebra_pairs

torch.set_num_threads(1)

SIZE, SPACING_MM = (32, 32, 24), 4.0


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> VertebraPairs:
    options = VertebraOptions(levels=(20, 23), subjects=3, held_out=2, pairs=12)
    return VertebraPairs(tmp_path_factory.mktemp("bank"), options, SIZE, SPACING_MM, batch=2)


def test_vertebra_is_alone_whole_and_in_the_middle() -> None:
    vertebra = make_vertebra_crop(5, 1, 22, SIZE, SPACING_MM)
    assert vertebra.ct.shape == vertebra.bone.shape == (24, 32, 32)
    assert (vertebra.ct[~vertebra.bone] == 0).all()
    assert 100 < vertebra.ct[vertebra.bone].mean() < 1500
    pieces, count = ndimage.label(vertebra.bone, np.ones((3, 3, 3)))
    assert np.bincount(pieces.ravel())[1:].max() > 0.95 * vertebra.bone.sum()
    assert count < 4
    volume_ml = vertebra.bone.sum() * SPACING_MM**3 / 1000
    assert 20 < volume_ml < 80
    center = np.array(ndimage.center_of_mass(vertebra.bone))
    np.testing.assert_allclose(center, [11.5, 15.5, 15.5], atol=0.5)
    again = make_vertebra_crop(5, 1, 22, SIZE, SPACING_MM)
    assert np.array_equal(vertebra.ct, again.ct)
    assert not np.array_equal(vertebra.bone, make_vertebra_crop(5, 2, 22, SIZE, SPACING_MM).bone)


def test_every_vertebra_is_fixed_equally_often_and_never_its_own_partner(pairs: VertebraPairs) -> None:
    drawn = [pairs.pairing(number) for number in range(12)]
    assert set(Counter((level, fixed) for level, fixed, _ in drawn).values()) == {2}
    assert all(fixed != moving and 0 <= moving < 3 for _, fixed, moving in drawn)


def test_batches_are_kept_masked_and_scaled(pairs: VertebraPairs) -> None:
    first = pairs.sample(3)
    kept = sorted(pairs.bank.iterdir())
    second = pairs.sample(3)
    assert sorted(pairs.bank.iterdir()) == kept
    assert torch.equal(first.images, second.images)
    assert first.images.shape == (2, 2, 24, 32, 32)
    assert first.fixed_labels is not None
    for image, labels in ((first.fixed, first.fixed_labels), (first.moving, first.labels)):
        assert (image[labels == 0] == 0).all()
        assert 0.3 < image[labels > 0].mean() < 0.8
        assert set(labels.unique().tolist()) <= {0, 20, 23}
    numbers = [
        (f.max().item(), m.max().item()) for f, m in zip(first.fixed_labels, first.labels, strict=True)
    ]
    assert all(fixed == moving for fixed, moving in numbers)


def test_held_out_subjects_are_others(pairs: VertebraPairs) -> None:
    validation = pairs.validation()
    assert len(validation) == 4
    training = [pairs.sample(step).fixed[k] for step in range(6) for k in range(2)]
    assert not any(torch.equal(batch.fixed[0], image) for batch in validation for image in training)


def test_recipe_has_the_studies_and_makes_the_vertebrae(tmp_path: Path) -> None:
    shipped = load_recipe(find_recipe("acsgregnet"))
    assert shipped.vertebrae == VertebraOptions((20, 21, 22, 23, 24), 50, 10, 2500)
    assert recipe_of(shipped.to_dict()) == shipped
    assert "vertebrae" not in load_recipe(find_recipe("jian_baseline")).to_dict()
    tiny = {"levels": [24], "subjects": 2, "held_out": 2, "pairs": 2}
    values = {**shipped.to_dict(), "vertebrae": tiny, "crop": [48, 48, 48], "spacing_mm": 4.0}
    said: list[float] = []
    made = vertebra_pairs(recipe_of(values), tmp_path, lambda _, share: said.append(share))
    assert len(list(made.bank.glob("vertebra-*.npz"))) == 4
    assert said[-1] == 1.0
    assert made.bank.name.startswith(f"vertebrae-edition{EDITION}-4mm-")
    with pytest.raises(InputError, match=r"vertebrae\.levels"):
        recipe_of({**values, "vertebrae": {**tiny, "levels": [30]}})
