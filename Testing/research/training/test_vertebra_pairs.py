"""Pairs of single vertebrae: what they show, which they are, and that they are kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy import ndimage
from spine_ctmr.errors import InputError
from spine_ctmr.network.acsgregnet import ACSGRegNetOptions
from spine_ctmr.phantoms.patient import EDITION
from spine_ctmr.phantoms.single_vertebra import make_vertebra_crop
from spine_ctmr.research.training.own_options import OwnDataOptions
from spine_ctmr.research.training.own_vertebrae import own_vertebra_pairs
from spine_ctmr.research.training.recipe import Recipe, recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe
from spine_ctmr.research.training.vertebra_options import VertebraOptions
from spine_ctmr.research.training.vertebra_pairs import VertebraPairs, vertebra_pairs

torch.set_num_threads(1)

SIZE, SPACING_MM = (32, 32, 24), 4.0


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> VertebraPairs:
    options = VertebraOptions(levels=(20, 23), subjects=3, held_out=2, pairs=12)
    crop, network = SIZE, ACSGRegNetOptions()
    recipe = Recipe(
        "x", spacing_mm=SPACING_MM, crop=(48, 48, 48), batch=2, network=network, vertebrae=options
    )
    object.__setattr__(recipe, "crop", crop)  # smaller than any network takes
    return vertebra_pairs(recipe, tmp_path_factory.mktemp("bank"))


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
    first, second = pairs.sample(3), pairs.sample(3)
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


def write_subject(folder: Path, sides: dict[int, tuple[int, int]]) -> None:
    """A CT with blocks of 20 mm, by level the places along x and z where they begin."""
    folder.mkdir()
    labels = np.zeros((40, 30, 40), np.uint8)
    for level, (x, z) in sides.items():
        labels[z : z + 10, 8:18, x : x + 10] = level
    for name, values in (
        ("ct_labels", labels),
        ("ct", np.where(labels > 0, 100 + 10 * labels.astype(int), -50)),
    ):
        image = sitk.GetImageFromArray(values.astype(np.uint8 if name == "ct_labels" else np.int16))
        image.SetSpacing((2.0, 2.0, 2.0))
        image.SetOrigin((5.0, -40.0, 300.0))
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))


def test_own_cts_give_whole_vertebrae_around_their_centres(tmp_path: Path) -> None:
    for k in range(5):
        levels = {22: (3 + k, 22 + k), 23: (20, 6)} if k else {22: (0, 22), 23: (20, 6)}
        write_subject(tmp_path / f"subject{k}", levels)
    recipe = load_recipe(find_recipe("avoxelmorph"))
    wanted = VertebraOptions(levels=(21, 22, 23), pairs=10)
    recipe = replace(
        recipe, crop=(48, 48, 48), vertebrae=wanted, own_data=OwnDataOptions(validation_share=0.4)
    )
    said: list[str] = []
    pairs = own_vertebra_pairs(recipe, tmp_path, tmp_path.parent / "bank", notice=said.append)
    counts = {level: len(pairs.training[level]) + len(pairs.held_out[level]) for level in pairs.training}
    assert counts == {22: 4, 23: 5}  # the first subject's L3 begins at the border
    assert said == ["Left out, because fewer than 2 subjects show them whole: L2."]
    batch = pairs.validation()[0]
    assert batch.fixed_labels is not None
    inside = (batch.fixed_labels[0, 0] == 22).numpy()
    assert inside.sum() == 20**3
    np.testing.assert_allclose(ndimage.center_of_mass(inside), 3 * [23.5], atol=0.51)
    assert torch.equal(batch.fixed[0, 0] > 0, torch.from_numpy(inside))
    assert batch.fixed.max() == pytest.approx((100 + 220 + 1000) / 3000)
    assert not any("subject0" in str(path) for path in (tmp_path.parent / "bank").rglob("*"))


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
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("vertebra-*.npz"))) == 4
    assert said[-1] == 1.0
    assert folder.name.startswith(f"vertebrae-edition{EDITION}-4mm-")
    assert made.description.startswith("Single vertebrae of synthetic subjects alone: 2 pairs of 2 subjects")
    with pytest.raises(InputError, match=r"vertebrae\.levels"):
        recipe_of({**values, "vertebrae": {**tiny, "levels": [30]}})
