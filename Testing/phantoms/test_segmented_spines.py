"""Folders of label maps as the anatomy of synthetic patients: whose spine, repeatable, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from spine_ctmr.command.main import main
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.label_map import measured_spine
from spine_ctmr.phantoms.patient import BLEND, make_pair
from spine_ctmr.phantoms.rendering import bone_labels
from spine_ctmr.phantoms.segmented_spines import LabelledSpine, SegmentedSpines, label_maps
from spine_ctmr.research.training.recipe import DataOptions, Recipe
from spine_ctmr.research.training.synthetic_data import split_maps, synthetic_patients

LUMBAR, THORACIC = (22, 23, 24), (13, 14, 15)
SIZE, SPACING = (32, 28, 30), 4.0


def label_map(seed: int, numbers: tuple[int, ...]) -> sitk.Image:
    """Labels of a parametric spine, far from the origin, on voxels of 2 mm."""
    anatomy = make_anatomy(np.random.default_rng(seed), numbers)
    low, high = anatomy.centers.min(0) - [55, 35, 55], anatomy.centers.max(0) + np.array([55, 80, 45])
    grid = Grid.around([low, high], 2.0)
    points = torch.tensor(grid.points().reshape(-1, 3), dtype=torch.float32)
    image = grid.image(bone_labels(anatomy, points).numpy().reshape(grid.shape))
    image.SetOrigin(np.add(image.GetOrigin(), [40.0, -250.0, 900.0]).tolist())
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lumbar map in VerSe numbers, a thoracic one with other numbers and names, and a file to ignore."""
    path = tmp_path_factory.mktemp("maps")
    sitk.WriteImage(label_map(1, LUMBAR), str(path / "a.nii.gz"))
    named = sitk.ChangeLabel(label_map(2, THORACIC), {13: 1, 14: 2, 15: 3})
    for k, name in enumerate(("T6", "vertebrae_T7", "T8 vertebra")):
        for key, value in {"ID": f"s{k}", "Name": name, "LabelValue": f"{k + 1}", "Layer": "0"}.items():
            named.SetMetaData(f"Segment{k}_{key}", value)
    sitk.WriteImage(named, str(path / "b.seg.nrrd"))
    (path / "centres.json").write_text("{}")
    return path


@pytest.mark.slow
def test_patients_have_the_spines_of_the_maps(folder: Path) -> None:
    spines = SegmentedSpines(label_maps(folder))
    found = set()
    for index in range(4):
        pair = make_pair(3, index, SIZE, SPACING, spines, BLEND)
        again = make_pair(3, index, SIZE, SPACING, spines, BLEND)
        for name in ("ct", "mr", "displacement", "bone"):
            np.testing.assert_array_equal(getattr(pair, name), getattr(again, name))
        numbers = set(np.unique(pair.bone).tolist()) - {0}
        assert numbers <= set(LUMBAR) or numbers <= set(THORACIC)
        found |= numbers
        assert pair.ct[pair.ct_labels > 0].mean() > pair.ct[pair.ct_labels == 0].mean() + 150
    assert found == {*LUMBAR, *THORACIC}


def test_bone_keeps_its_size(folder: Path) -> None:
    """Voxels of the map, and of the pair where the whole vertebra is on its grid."""
    pair = make_pair(3, 0, (40, 40, 56), 3.0, SegmentedSpines(label_maps(folder)[:1]), BLEND)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "a.nii.gz")))
    for number in LUMBAR:
        expected = 8.0 * (labels == number).sum()
        assert 27.0 * (pair.ct_labels == number).sum() == pytest.approx(expected, rel=0.12)


def test_a_vertebra_cut_by_the_border_is_left_out() -> None:
    labels = label_map(1, (21, *LUMBAR))
    assert [s.number for s in measured_spine(labels).shapes] == [21, *LUMBAR]
    heights = np.argwhere(sitk.GetArrayFromImage(labels) == 21)[:, 0]
    through = labels[:, :, : int(np.median(heights))]
    assert [s.number for s in measured_spine(through).shapes] == list(LUMBAR)


def test_vertebrae_out_of_reach_are_left_out() -> None:
    spine = measured_spine(label_map(4, (21, 22, 23)))
    assert [s.number for s in spine.near(0, 50).shapes] == [21, 22]
    assert len(spine.near(1, 50).shapes) == 3


def test_divided_patients_take_no_maps(tmp_path: Path) -> None:
    """Both sides of a fold would have the same spines."""
    recipe = Recipe("x", data=DataOptions(pairs=4, held_out=2, folds=2))
    maps = [LabelledSpine(tmp_path / name) for name in "ab"]
    with pytest.raises(InputError, match=r"data\.folds = 2.*set data\.folds = 1"):
        synthetic_patients(recipe, tmp_path, maps=maps)


@pytest.mark.slow
def test_bank_belongs_to_the_maps_and_validation_has_others(folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        "x", spacing_mm=8.0, crop=(16, 16, 16), data=DataOptions(pairs=3, held_out=2, motion=BLEND, margin=4)
    )
    maps = label_maps(folder)
    data = synthetic_patients(recipe, tmp_path, maps=maps)
    assert "spines of 1 label maps, of 1 others" in data.description
    assert data.sample(0).labels.max() in LUMBAR
    assert all(set(b.labels.unique().tolist()) <= {0, *THORACIC} for b in data.validation())
    assert synthetic_patients(recipe, tmp_path, maps=maps).bank == data.bank
    assert synthetic_patients(recipe, tmp_path, maps=maps[::-1]).bank != data.bank
    assert synthetic_patients(recipe, tmp_path).bank != data.bank
    assert synthetic_patients(recipe, tmp_path, maps=maps).patients == data.patients
    assert synthetic_patients(recipe, tmp_path, maps=maps[::-1]).patients != data.patients
    with pytest.raises(InputError, match=r"only label map.*one more"):
        split_maps(maps[:1])


def test_unusable_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.*cannot be read"):
        label_maps(tmp_path / "none")
    with pytest.raises(InputError, match="holds none; give NIfTI"):
        label_maps(tmp_path)
    sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 4, 4), 0.5, np.float32)), str(tmp_path / "ct.nrrd"))
    with pytest.raises(InputError, match=r"ct\.nrrd.*not whole numbers"):
        label_maps(tmp_path)
    (tmp_path / "ct.nrrd").unlink()
    plate = np.zeros((4, 60, 60), np.uint8)
    plate[0, 10:50, 10:50] = 22
    sitk.WriteImage(sitk.GetImageFromArray(plate), str(tmp_path / "plate.mha"))
    with pytest.raises(InputError, match=r"plate\.mha.*0 whole vertebrae"):
        label_maps(tmp_path)


def test_anatomy_and_own_data_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    words = ["train", "jian_pc", "--output", str(tmp_path / "run"), "--data", folder, "--anatomy", folder]
    assert main(words) == 2
    assert "leave out --data or --anatomy" in capsys.readouterr().err
