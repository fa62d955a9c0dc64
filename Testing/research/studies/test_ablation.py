"""The ablation: measures of known displacements, a table that reads its files, recipes that differ right."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from spine_ctmr.network.integration import voxel_indices
from spine_ctmr.phantoms.patient import Pair
from spine_ctmr.research.losses.rigid_dice import volume_change
from spine_ctmr.research.studies.ablation import run
from spine_ctmr.research.studies.ablation.figures import draw_patient, keep_motion
from spine_ctmr.research.studies.ablation.floor import rigid_dsc_floor
from spine_ctmr.research.studies.ablation.measures import Measures, measure_displacement
from spine_ctmr.research.studies.ablation.methods import Displacements, case_of, no_motion
from spine_ctmr.research.studies.ablation.report import PUBLISHED, write_report
from spine_ctmr.research.studies.ablation.run import BRIEF, RECIPES, budgeted, measure_once
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.recipe_file import read_toml

torch.set_num_threads(1)
SPACING = 3.0


def batch_of(displacement: torch.Tensor) -> Batch:
    """Two blocks in the CT; those of the MR are moved by whole voxels along x."""
    labels = torch.zeros(1, 1, 24, 24, 24, dtype=torch.long)
    labels[:, :, 4:10, 8:16, 8:14] = 22
    labels[:, :, 13:19, 8:16, 8:14] = 23
    image = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0))
    return Batch(image, image, labels, torch.ones_like(image), displacement, labels.roll(-2, -1))


def shift(millimetres: float) -> torch.Tensor:
    return torch.tensor([millimetres, 0, 0]).reshape(1, 3, 1, 1, 1).repeat(1, 1, 24, 24, 24)


def test_the_truth_is_perfect_and_no_motion_is_off_by_it() -> None:
    batch = batch_of(shift(6.0))
    perfect = measure_displacement(batch, shift(6.0), SPACING, 1.5)
    assert (perfect.dsc, perfect.rigid_dsc, perfect.volume_percent, perfect.folds) == (1, 1, 0, 0)
    assert (perfect.bone_mm, perfect.soft_mm, perfect.seconds) == (0, 0, 1.5)
    assert perfect.sd_log_j == pytest.approx(0, abs=1e-6)
    still = measure_displacement(batch, no_motion(batch)["initial"][0], SPACING, 0.0)
    assert still.dsc == pytest.approx(4 / 6)
    assert still.bone_mm == pytest.approx(6)
    assert still.rigid_dsc == 1
    assert still.rigid_deviation_mm == pytest.approx(0, abs=1e-4)


def test_a_perfect_rigid_motion_scores_below_one_the_more_the_coarser_the_grid() -> None:
    """An ellipsoid; a mask moved twice has lost more than one moved once."""
    floors = []
    for spacing in (1.0, 3.0):
        side = int(72 / spacing)
        axes = (voxel_indices((side,) * 3, torch.zeros(())) + 0.5) * spacing - 36
        inside = (axes / torch.tensor([16.0, 11.0, 8.0])).square().sum(-1) < 1
        floors.append(rigid_dsc_floor([inside.long()[None, None]] * 6, spacing))
    fine, coarse = floors
    assert (len(fine.nearest), len(coarse.twice)) == (6, 6)
    assert 1 > fine.nearest.mean() > coarse.nearest.mean() > 0.8
    assert fine.twice.mean() > coarse.twice.mean() > 0.8
    assert coarse.twice.mean() < coarse.nearest.mean()


def test_growth_changes_volume_rigidity_and_the_spread_of_the_determinant() -> None:
    points = voxel_indices((24, 24, 24), torch.zeros(())) * SPACING
    growth = torch.where(points[..., :1] < 36, 0.25, 0.0) * (36 - points[..., :1])
    field = torch.zeros(1, 3, 24, 24, 24)
    field[:, 0] = growth[..., 0]
    measures = measure_displacement(batch_of(field), field, SPACING, 0.0)
    assert measures.volume_percent == pytest.approx(
        100 * volume_change(field, batch_of(field).labels, SPACING).item(), abs=12
    )
    assert measures.volume_percent > 15
    assert measures.rigid_dsc < 0.95
    share = 12 / 24  # of the voxels with det J = 0.75, apart from the one on the edge
    spread = abs(math.log(0.75)) * math.sqrt(share * (1 - share))
    assert measures.sd_log_j == pytest.approx(spread, rel=0.05)
    assert measures.sd_log_j_learn2reg < measures.sd_log_j / 3


def test_a_stretch_of_a_tenth_has_its_known_deviation_from_rigid_and_properness() -> None:
    columns = torch.arange(24) * SPACING - 33
    field = torch.zeros(1, 3, 24, 24, 24)
    field[:, 0] = 0.1 * columns
    measures = measure_displacement(batch_of(field), field, SPACING, 0.0)
    assert measures.properness == pytest.approx(0.01, rel=1e-3)
    spread = SPACING * np.arange(8, 14).std()  # the six columns of a block stay six
    assert measures.rigid_deviation_mm == pytest.approx(0.1 * spread, rel=1e-3)


def test_case_has_the_images_and_a_start_without_motion() -> None:
    case = case_of(batch_of(shift(6.0)), SPACING)
    assert case.ct.GetSpacing() == (SPACING,) * 3
    assert case.mr_centroids is not None
    assert set(case.mr_centroids) == {22, 23}


def test_recipes_differ_in_their_rigidity_terms_alone() -> None:
    recipes = {name: budgeted(name, BRIEF).to_dict() for name in RECIPES}
    for name, recipe in recipes.items():
        if name.startswith("jian_"):
            differing = {k for k, v in recipe.items() if v != recipes["jian_baseline"][k]}
            assert differing <= {"name", "rigidity"}
    assert recipes["jian_baseline"]["loss"] == {"normalised_mutual_information": 1.0, "smoothness": 0.1}
    assert set(recipes["synthetic_truth"]["loss"]) == {"smoothness", "displacement", "bone_displacement"}
    assert recipes["jian_pc_oc"]["rigidity"] == {"properness": 0.01, "orthonormality": 0.005}


def test_interrupted_measuring_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = []

    def batches(recipe: object, bank: Path, wanted: range):  # type: ignore[no-untyped-def]
        for number in wanted:
            numbers.append(number)
            yield number, batch_of(shift(6.0))

    def failing(batch: Batch) -> Displacements:
        if numbers[-1] == 1:
            raise KeyboardInterrupt
        return no_motion(batch)

    monkeypatch.setattr(run, "_test_batches", batches)
    recipe = budgeted("jian_baseline", BRIEF)
    with pytest.raises(KeyboardInterrupt):
        measure_once("initial", failing, tmp_path, recipe, tmp_path, 3)
    measure_once("initial", no_motion, tmp_path, recipe, tmp_path, 3)
    assert numbers == [0, 1, 1, 2]
    with (tmp_path / "initial.csv").open() as stream:
        assert [row["patient"] for row in csv.DictReader(stream)] == ["0", "1", "2"]


def test_page_shows_our_figures_beside_the_papers(tmp_path: Path) -> None:
    """Figures made of the paper's means: the order agrees fully, and the means are found again."""
    published = read_toml(PUBLISHED)
    networks = [name for name in RECIPES if name.startswith("jian_")]
    for name in ("initial", *networks):
        means = dict(zip(published["columns"], published["rows"][name], strict=True))
        _write_table(tmp_path, name, {key: value[0] for key, value in means.items() if value})
    recipes = [budgeted(name, BRIEF) for name in networks]
    page = write_report(tmp_path, ["initial", *networks], recipes, BRIEF).read_text()
    assert "| pc + rigid dice | 0.78 (0.10)<br>*0.78 (0.11)* |" in page
    for measure in ("rigid DSC", "%Δvol", "folds"):
        assert f"{measure} +1.00" in page
    assert "2 test patients" in page
    assert (tmp_path / "ablation.png").stat().st_size > 10_000
    with (tmp_path / "ablation.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 18


@pytest.mark.parametrize(
    ("untrained_mm", "baseline_mm", "learned"), [(1.5, 1.2, True), (2.5, 2.2, False), (1.2, 1.4, False)]
)
def test_page_says_whether_the_networks_have_learned(
    tmp_path: Path, untrained_mm: float, baseline_mm: float, learned: bool
) -> None:
    """Only where the training itself helps, and the result is better than the start."""
    errors = {"initial": 2.0, "untrained": untrained_mm, "jian_baseline": baseline_mm}
    for row, error in errors.items():
        _write_table(tmp_path, row, {"bone_mm": error})
    recipes = [budgeted("jian_baseline", BRIEF)]
    page = write_report(tmp_path, list(errors), recipes, BRIEF).read_text()
    assert f"by {2 - baseline_mm:.2f} mm (standard error 0.00) from the start" in page
    assert f"by {untrained_mm - baseline_mm:.2f} mm (0.00)" in page
    assert ("not learned to align" in page) is not learned


def test_picture_shows_the_methods_that_were_kept(tmp_path: Path) -> None:
    batch = batch_of(shift(6.0))
    sizes = []
    for row in ("initial", "jian_baseline"):
        keep_motion(tmp_path, row, shift(6.0))
        draw_patient(tmp_path, batch, SPACING)
        picture = np.asarray(Image.open(tmp_path / "patient.png"))[..., :3].astype(int)
        sizes.append(picture.shape[1])
        # with the true motion both outlines lie on one another, and the later one, blue, hides the other
        blue, yellow = (np.abs(picture - colour).sum(-1) < 60 for colour in ((86, 180, 233), (240, 228, 66)))
        assert blue.sum() > 50
        assert yellow.sum() < 0.2 * blue.sum()
    assert sizes[1] > 1.5 * sizes[0]


def test_test_patients_are_larger_than_the_crops_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = budgeted("jian_baseline", BRIEF)
    shape = (100, 68, 68)
    pair = Pair(
        *(np.zeros(shape), np.ones((5, *shape)), np.zeros((*shape, 3))),
        *(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), 2.0),
    )
    monkeypatch.setattr(run, "fill_bank", lambda *_: None)
    monkeypatch.setattr(run, "read_pair", lambda *_: pair)
    ((number, batch),) = run._test_batches(recipe, tmp_path, range(3, 4))
    assert number == 3
    assert batch.fixed.shape == (1, 1, 96, 64, 64)


def _write_table(folder: Path, name: str, means: dict[str, float]) -> None:
    with (folder / f"{name}.csv").open("w", newline="") as stream:
        writer = None
        for patient, offset in enumerate((-0.0707107, 0.0707107)):
            values = asdict(Measures(*[0.5] * len(fields(Measures)))) | {
                k: v + offset for k, v in means.items()
            }
            row = {"row": name, "patient": patient, **values}
            writer = writer or csv.DictWriter(stream, list(row))
            if patient == 0:
                writer.writeheader()
            writer.writerow(row)


def test_published_table_is_complete() -> None:
    published = read_toml(PUBLISHED)
    assert "Table 1" in published["source"]
    assert all(len(row) == len(published["columns"]) for row in published["rows"].values())
    assert np.isfinite([value for row in published["rows"].values() for cell in row for value in cell]).all()
