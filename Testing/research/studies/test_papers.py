"""The papers' page: measures of known displacements, networks on the right voxels, tables that read files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.evaluation.cohort import read_cohort
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.studies.papers import methods, run
from spine_ctmr.research.studies.papers.folder import (
    BUDGETS,
    brief_recipes,
    first_of,
    level_recipes,
    start_recipe,
    weighted_name,
    weighted_recipes,
)
from spine_ctmr.research.studies.papers.measures import (
    measure,
    read_overall,
    write_measures,
)
from spine_ctmr.research.studies.papers.names import CAO, LEVELS, TITLES, VANULSEN, title
from spine_ctmr.research.studies.papers.patients import SIZE, SPACING_MM, HeldOutPatient
from spine_ctmr.research.studies.papers.report import PUBLISHED
from spine_ctmr.research.studies.papers.sections import (
    all_methods,
    cao_section,
    gao_section,
    vanulsen_section,
    verdict,
    what_was_learned,
)
from spine_ctmr.research.studies.vertebra_study import STAGES, Overlap, PairResult
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.recipe_file import read_toml

torch.set_num_threads(1)


def patient(shift_voxels: int = 2) -> HeldOutPatient:
    """Two blocks, one of them cut by the border; those of the MR lie two voxels left of the CT's."""
    shape = SIZE[::-1]
    labels = torch.zeros(1, 1, *shape, dtype=torch.long)
    labels[..., 30:40, 25:35, 25:35] = 23
    labels[..., :8, 25:35, 25:35] = 22
    image = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0))
    field = torch.zeros(1, 3, *shape)
    field[:, 0] = shift_voxels * SPACING_MM
    fixed = labels.roll(-shift_voxels, -1)
    return HeldOutPatient(0, Batch(image, image, labels, torch.ones_like(image), field, fixed))


def moved(millimetres: float) -> torch.Tensor:
    field = torch.zeros(1, 3, *SIZE[::-1])
    field[:, 0] = millimetres
    return field


def test_the_truth_is_perfect_and_no_motion_is_off_by_it() -> None:
    someone = patient()
    perfect, still = measure(someone, moved(4.0), 1.5), measure(someone, methods.no_motion(someone), 0.0)
    assert [row["number"] for row in perfect["vertebrae"]] == [23]
    row, before = perfect["vertebrae"][0], still["vertebrae"][0]
    assert (row["dice"], row["mean_surface_mm"], row["hd99_mm"], row["tre_mm"]) == (1, 0, 0, 0)
    assert (row["determinant_mean"], row["determinant_sd"]) == pytest.approx((1, 0), abs=1e-6)
    assert perfect["overall"]["cpu_s"] == 1.5
    assert perfect["overall"]["bone_mm"] == perfect["overall"]["folds"] == 0
    assert before["dice"] == before["dice_before"] == row["dice_before"] == pytest.approx(0.8)
    assert before["hd99_mm"] == pytest.approx(2 * SPACING_MM)
    assert before["tre_mm"] == still["overall"]["bone_mm"] == pytest.approx(4.0)


def test_growth_is_not_rigid_and_folds_are_counted() -> None:
    """Stretched along x by 1.25, and thrown back by 6 mm within one slice."""
    field = moved(0.0)
    field[:, 0] = 0.25 * SPACING_MM * (torch.arange(SIZE[0]) - 30.0)
    found = measure(patient(0), field, 0.0)
    row = found["vertebrae"][0]
    assert row["determinant_mean"] == pytest.approx(1.25)
    columns = np.arange(8) - 3.5  # of the eight voxels that remain of ten
    assert found["overall"]["rigid_deviation_mm"] == pytest.approx(
        0.25 * SPACING_MM * np.sqrt(np.square(columns).mean()), rel=0.2
    )
    folded = moved(0.0)
    folded[:, 2, 40] = -6.0
    slices = 1 if SPACING_MM < 3.0 else 0
    assert measure(patient(0), folded, 0.0)["overall"]["folds"] == slices * SIZE[0] * SIZE[1]


def test_measures_are_found_again_as_a_cohort(tmp_path: Path) -> None:
    for k, voxels in enumerate((1.0, 2.0)):
        write_measures(tmp_path / f"patient-{k}", measure(patient(), moved(voxels * SPACING_MM), voxels))
    cohort, overall = read_cohort(tmp_path), read_overall(tmp_path)
    assert cohort["patient-1"][23]["dice"] == 1
    assert cohort["patient-0"][23]["dice"] == pytest.approx(0.9)
    assert overall["cpu_s"].tolist() == [1, 2]
    assert overall["bone_mm"].tolist() == pytest.approx([2, 0])


@pytest.mark.parametrize("name", ["cao_dual", "vanulsen_us"])
def test_networks_answer_for_the_voxels_that_are_measured(tmp_path: Path, name: str) -> None:
    """One voxel of the image changes the answer around it, however much the network cuts off."""
    recipe = brief_recipes()[name]
    torch.manual_seed(0)
    model = recipe.network.build()
    torch.nn.init.normal_(model.flow.weight)
    save_atomically({"average": model.state_dict()}, tmp_path / "last.pt")
    register = methods.trained_network(recipe, tmp_path / "last.pt")
    someone = patient()
    before = register(someone)
    someone.batch.fixed[0, 0, 70, 20, 40] += 50
    change = (register(someone) - before).abs().sum((0, 1))
    assert before.shape == (1, 3, *SIZE[::-1])
    weights = change / change.sum()
    middle = [
        float((weights * place).sum())
        for place in torch.meshgrid(*map(torch.arange, change.shape), indexing="ij")
    ]
    assert middle == pytest.approx([70, 20, 40], abs=3)


def test_interrupted_measuring_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def read(bank: Path, numbers: range):  # type: ignore[no-untyped-def]
        seen.extend(numbers)
        return iter([patient()])

    def failing(someone: HeldOutPatient) -> torch.Tensor:
        if seen[-1] == 1:
            raise KeyboardInterrupt
        return methods.no_motion(someone)

    monkeypatch.setattr(run, "read_patients", read)
    with pytest.raises(KeyboardInterrupt):
        run.measure_patients({"a": methods.no_motion, "b": failing}, tmp_path, tmp_path, 3)
    run.measure_patients(dict.fromkeys("ab", methods.no_motion), tmp_path, tmp_path, 3)
    run.measure_patients(dict.fromkeys("ab", methods.no_motion), tmp_path, tmp_path, 3)
    assert seen == [0, 1, 1, 2]
    assert len(read_cohort(tmp_path / "a")) == len(read_cohort(tmp_path / "b")) == 3


def test_measures_of_an_earlier_state_are_forgotten(tmp_path: Path) -> None:
    old, new = (tmp_path / "measured" / "net" / p / "evaluation.json" for p in ("0", "1"))
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    trained = tmp_path / "net" / "last.pt"
    trained.parent.mkdir()
    trained.touch()
    os.utime(old, (1, 1))
    run._forget_outdated(tmp_path, "net")
    assert new.exists()
    assert not old.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [([-0.5, -0.4, -0.6], "better"), ([0.5, 0.4, 0.6], "worse"), ([-0.5, 0.4, 0.0], "no change")],
)
def test_what_was_learned_is_said_in_the_words_of_the_data(change: list[float], said: str) -> None:
    assert said in verdict(np.array(change))
    assert sum(word in verdict(np.array(change)) for word in ("better", "worse", "no change")) == 1


GAINS, NOISE = np.array([[0.9, 1.0, 1.1], [0.1, -0.1, 0.0]])


def test_page_names_the_networks_that_did_not_learn() -> None:
    errors = np.array([2.0, 3.0, 4.0])
    bone = {"initial": errors, "vanulsen_us": errors - GAINS, "cao_dual": errors + NOISE}
    overall = {name: {"bone_mm": values, "dice": 1 - values / 10} for name, values in bone.items()}
    overlaps = {stage: Overlap(0.5, 0.5, 0.5, 2.0) for stage in STAGES}
    said = what_was_learned(overall, {"avoxelmorph": [PairResult(20, overlaps, 0, 0.0)] * 3})
    better, worse = said.split("**Not better")
    assert "van Ulsen US." in better
    assert "Cao, dual; AVoxelMorph." in worse
    assert "overlap better beyond chance: van Ulsen US." in worse


def test_papers_figures_stand_beside_ours() -> None:
    published = read_toml(PUBLISHED)
    row = {
        "dice": 0.9,
        "mean_surface_mm": 0.4,
        "hd99_mm": 2.0,
        "determinant_mean": 1.0,
        "determinant_sd": 0.1,
    }
    cohort = {
        f"p{k}": {n: {m: v + 0.01 * k for m, v in row.items()} for n in LEVELS.values()} for k in range(4)
    }
    cohorts = dict.fromkeys({**VANULSEN, **CAO}, cohort)
    lines = vanulsen_section(cohorts, published)
    shown = next(text for text in lines if text.startswith("| DSC | L3 |"))
    assert shown.count("0.915 ± 0.015") == 5
    assert "*0.918 ± 0.052 † \\**" in shown
    assert len(lines) == 2 + 5 * 4
    table = cao_section({name: values for name, values in cohorts.items() if name != "syn_mi"}, published)
    assert table[0] == "| metric | level | rigid start | Affine (MI) | CT only | MR only | Dual |"
    assert any(text.startswith("| DSC | prostate | 0.819 ± 0.047 |") for text in table)


def test_vertebra_tables_end_with_the_papers_average() -> None:
    overlaps = {stage: Overlap(0.5, 0.5, 0.5, 2.0) for stage in STAGES}
    results = {"acsgregnet_small": [PairResult(20, overlaps, 7, 0.1), PairResult(21, overlaps, 9, 0.3)]}
    lines = gao_section(results, read_toml(PUBLISHED))
    assert "| *paper's average* | 0.623 | 0.731 | 0.963 |" in "\n".join(lines)
    assert any(text.startswith("| Average | 8 | 1 |") for text in lines)
    without = gao_section({"study1": results["acsgregnet_small"]}, read_toml(PUBLISHED))
    assert "| *paper's average* | 0.623 | 0.697 | 0.920 |" in "\n".join(without)
    assert without[-2].startswith("| Average | 8 | 1 |")


def test_table_of_all_methods_names_every_one() -> None:
    values = {
        key: np.array([1.0, 2.0]) for key in ("dice", "soft_mm", "rigid_deviation_mm", "folds", "cpu_s")
    }
    overall = {name: {**values, "bone_mm": np.array([1.0, 2.0])} for name in TITLES}
    lines = all_methods(overall, {"acsgregnet_small": {"parameters": 12345, "cpu_s": 3.0, "memory_mb": 99.0}})
    assert len(lines) == 2 + len(TITLES)
    assert "| 12,345 | 3.0 | 99 |" in next(text for text in lines if "ACSGRegNet" in text)


def test_budgets_leave_losses_and_networks_as_they_are() -> None:
    recipes = brief_recipes()
    assert set(recipes) == {name for names in BUDGETS.values() for name in names} <= set(TITLES)
    assert recipes["vanulsen_ws_rp"].loss["rigidity_penalty"].weight == 0.4
    assert recipes["cao_ct_only"].loss.keys() == {"ct_correlation", "laplacian", "magnitude"}
    assert recipes["acsgregnet_small"].network.kind == "acsgregnet"
    assert brief_recipes(steps=7)["cao_dual"].steps == 7
    assert recipes["avoxelmorph"].vertebrae == recipes["acsgregnet_small"].vertebrae


def test_networks_begin_with_weights_that_fit_and_figure_41_changes_one_weight() -> None:
    recipes = {"vanulsen_start": start_recipe(), **brief_recipes(), **weighted_recipes(), **level_recipes()}
    followers = [name for name in recipes if first_of(name)]
    assert len(followers) == 4 + 2 + 1 + 5
    assert all(recipes[name].network == recipes[first_of(name)].network for name in followers)
    chosen = recipes["vanulsen_us"]
    assert (weighted_name(0.2), weighted_name(2.0)) == ("vanulsen_start", "vanulsen_us")
    assert recipes["vanulsen_start"].loss["smoothness"].weight == pytest.approx(3 * 0.2)
    assert chosen.loss["smoothness"].weight == 3 * 2.0
    found = recipes[weighted_name(6.0)]
    assert found.loss["smoothness"].weight == 3 * 6.0
    loss = {**found.loss, "smoothness": chosen.loss["smoothness"]}
    assert replace(found, name=chosen.name, loss=loss) == chosen
    assert title(found.name) == "van Ulsen US, smoothness 6"
    assert [title(name) for name in level_recipes()][::4] == ["AVoxelMorph of L1", "AVoxelMorph of L5"]


def test_displacements_of_coarse_networks_are_upsampled_in_place(tmp_path: Path) -> None:
    """A network that answers with its own voxel's place gives the mean place of the patient's voxels."""
    recipe = brief_recipes()["vanulsen_us"]
    assert methods.voxels_across(recipe) == 2
    with pytest.raises(ValueError, match="multiple"):
        methods.voxels_across(replace(recipe, spacing_mm=3.0))
    ramp = torch.arange(SIZE[0]).expand(SIZE[::-1])[None, None] + 0.0
    someone = patient()
    someone = replace(someone, batch=replace(someone.batch, fixed=ramp, moving=ramp))
    save_atomically({"average": recipe.network.build().state_dict()}, tmp_path / "last.pt")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            methods,
            "predicted_motion",
            lambda recipe, layers, model, batch: Motion(batch.fixed.repeat(1, 3, 1, 1, 1)),
        )
        found = methods.trained_network(recipe, tmp_path / "last.pt")(someone)
    torch.testing.assert_close(found[0, 0, ..., 1:-1], ramp[0, 0, ..., 1:-1])


def test_published_tables_are_complete() -> None:
    published = read_toml(PUBLISHED)
    for paper in ("vanulsen", "cao"):
        tables = [value for value in published[paper].values() if isinstance(value, dict)]
        assert all(len(cells) == 5 for table in tables for cells in table.values())
    assert all(len(row) == 3 for row in list(published["gao"]["acsgregnet_small"].values())[:4])
    json.dumps(published)
