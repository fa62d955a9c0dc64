"""Own patients as van Ulsen 2022 prepares and divides them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy import ndimage
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.case import Case
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.training.loss_functions import LOSSES
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.own_data import own_patients, prepare_patient
from spine_ctmr.research.training.own_options import OwnDataOptions, divided
from spine_ctmr.research.training.recipe import Recipe, recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

L5 = 24


def test_the_thesis_divides_its_49_patients_thrice_into_31_9_and_9() -> None:
    options = load_recipe(find_recipe("vanulsen_ws_rp")).own_data
    folds = [divided(49, replace(options, fold=k), range(49)) for k in range(3)]
    for fold in folds:
        assert [len(part) for part in fold] == [31, 9, 9]
        assert sorted([*fold.training, *fold.validation, *fold.test]) == list(range(49))
        assert fold.test == folds[0].test
    validated = [k for fold in folds for k in fold.validation]
    assert len(set(validated)) == 27
    assert divided(49, options, range(49)) == folds[0]


def test_patients_without_labels_are_learned_from_only() -> None:
    division = divided(10, OwnDataOptions(validation_share=0.2, test_share=0.2), [1, 3, 5, 7])
    assert {*division.validation, *division.test} == {1, 3, 5, 7}
    assert division.training == [0, 2, 4, 6, 8, 9]


def test_too_few_patients_for_a_fold_are_refused() -> None:
    with pytest.raises(InputError, match="too few for fold 6"):
        divided(6, OwnDataOptions(validation_share=0.2, fold=6), range(6))
    with pytest.raises(InputError, match=r"own_data\.interpolation"):
        recipe_of({"name": "x", "own_data": {"interpolation": "cubic"}})


def test_recipes_without_own_data_are_written_as_before() -> None:
    assert "own_data" not in Recipe("x").to_dict()
    recipe = load_recipe(find_recipe("vanulsen_us"))
    assert recipe_of(recipe.to_dict()) == recipe


def wave(grid: Grid) -> sitk.Image:
    """A sine of 5 mm wavelength along x, times 100."""
    return grid.image((100 * np.sin(2 * np.pi * grid.points()[..., 0] / 5)).astype(np.float32))


def case() -> Case:
    """CT and MR without motion between them; their labels, however, are 6 mm apart along x."""
    grid = Grid((60, 40, 40), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[12:28, 12:28, 20:32] = L5
    labels[18:22, 28:36, 24:28] = L5
    return Case(wave(grid), wave(grid), grid.image(labels), mr_vertebrae=grid.image(np.roll(labels, 6, 2)))


def prepared(options: OwnDataOptions) -> np.ndarray:
    patient = prepare_patient(case(), Recipe("x", spacing_mm=1.6, crop=(16, 16, 16), own_data=options))
    assert patient.mr_labels is not None
    agree = (patient.mr_labels > 0) == (patient.ct_labels > 0)
    assert agree[patient.mr_labels > 0].mean() > 0.97
    assert set(np.unique(patient.mr_labels)) == {0, L5}
    inside = ndimage.binary_erosion(patient.seen > 0, iterations=5)
    return patient.mr[inside]


def test_lanczos_keeps_what_linear_interpolation_blurs() -> None:
    spreads = {
        name: prepared(OwnDataOptions(interpolation=name, start_level=L5)).std()
        for name in ("linear", "lanczos")
    }
    true = 100 / np.sqrt(2)
    assert spreads["lanczos"] == pytest.approx(true, rel=0.05)
    assert spreads["linear"] < 0.93 * true


def test_pre_aligned_pairs_are_learned_from_without_a_known_motion(tmp_path: Path) -> None:
    """Cao's dual loss on own patients: the paired CT where the MR is, the paired MR where the CT is."""
    for k in range(2):
        folder = tmp_path / f"patient{k}"
        folder.mkdir()
        bone = sitk.Cast(case().vertebrae > 0, case().ct.GetPixelID())
        mr, ct = 300 - 2 * case().mr, 4 * case().ct + 300 + 5 * k + 400 * bone
        ct[:4, :, :] = -1000
        for name, image in {"ct": ct, "mr": mr, "ct_in_mr": ct, "mr_in_ct": mr}.items():
            sitk.WriteImage(sitk.Cast(image, sitk.sitkInt16), str(folder / f"{name}.nrrd"))
        sitk.WriteImage(case().vertebrae, str(folder / "ct_labels.nrrd"))
        sitk.WriteImage(case().vertebrae, str(folder / "mr_labels.nrrd"))
    recipe = replace(load_recipe(find_recipe("cao_dual")), crop=(44, 44, 44), batch=1)
    recipe = replace(recipe, own_data=OwnDataOptions(validation_share=0.5))
    batch = own_patients(recipe, tmp_path, tmp_path / "bank").sample(0)
    assert batch.displacement is None
    still = torch.zeros(1, 3, 4, 4, 4)
    for name, least in (("ct_correlation", 1e-6), ("mr_correlation", 1e-6)):
        assert float(LOSSES[name](Outcome(batch, Motion(still, margin=20), 1.0))) < least
        shifted = LOSSES[name](Outcome(batch, Motion(still + 1.25, margin=20), 1.0))
        assert float(shifted) > 0.5  # a quarter of the wavelength


def test_affine_registration_follows_the_rigid_start() -> None:
    """CT and MR agree, their labels are 6 mm apart: the start is wrong, the affine registration mends it."""
    labelled = case()
    grid = Grid.of(labelled.ct)
    texture = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=grid.shape), 3)
    ct, mr = (grid.image(values.astype(np.float32)) for values in (6e3 * texture, np.abs(texture - 0.02)))
    recipe = Recipe(
        "x", spacing_mm=1.6, crop=(32, 32, 32), own_data=OwnDataOptions(start_level=L5, affine=True)
    )
    patient = prepare_patient(replace(labelled, ct=ct, mr=mr), recipe)
    there = np.argwhere(patient.seen > 0)[:, ::-1] * 1.6
    inside = np.abs(there - there.mean(0)).max(1) < 14
    shown = patient.ct[patient.seen > 0][inside]
    agree = np.corrcoef(np.abs(shown / 6e3 - 0.02), patient.mr[patient.seen > 0][inside])[0, 1]
    assert agree > 0.9


def test_start_from_one_level_needs_its_labels(tmp_path: Path) -> None:
    recipe = Recipe("x", spacing_mm=2.0, crop=(16, 16, 16), own_data=OwnDataOptions(start_level=L5))
    with pytest.raises(InputError, match="mr_labels"):
        prepare_patient(replace(case(), mr_vertebrae=None), recipe)
    with pytest.raises(InputError, match="lack L4"):
        prepare_patient(case(), replace(recipe, own_data=OwnDataOptions(start_level=23)))
    with pytest.raises(InputError, match="at least 2"):
        own_patients(recipe, tmp_path, tmp_path / "bank")
