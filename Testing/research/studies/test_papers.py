"""The studies of four papers: what they train, their tables, and a page from trainings of a few steps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.command.papers import NAMES
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.cohort import Cohort
from spine_ctmr.progress import silent
from spine_ctmr.research.studies.networks import trainings
from spine_ctmr.research.studies.networks.measures import OVERALL
from spine_ctmr.research.studies.networks.trainings import method_name, trained, trainings_table
from spine_ctmr.research.studies.papers import cao, gao, jian, jian_1mm, vanulsen
from spine_ctmr.research.studies.papers.paper import Choices, Paper, run_paper
from spine_ctmr.research.studies.papers.papers import PAPERS, find_paper
from spine_ctmr.research.training.recipe import Recipe, recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, read_toml, recipe_values

torch.set_num_threads(1)
PUBLISHED = read_toml(cao.PUBLISHED)
LARGEST_MM = np.array([92, 96, 52])
"""Sides of the box around the largest of 31 whole vertebrae of synthetic patients."""


def test_a_training_that_went_on_from_a_milestone_is_told_as_a_whole(tmp_path: Path) -> None:
    penalised = next(t for t in jian.trainings(None, 1) if t.recipe.name == "jian_pc")
    (tmp_path / "jian_pc").mkdir()
    last = penalised.recipe.steps
    (tmp_path / "jian_pc" / "steps.csv").write_text(f"step,loss,seconds\n{last - 1},0.1,60\n{last},0.1,60\n")
    text = "\n".join(trainings_table([replace(penalised, milestone_of=None)], tmp_path))
    assert f"| {last} × 1 |" in text
    assert "**" not in text
    assert "| 2.0 |" in text
    baseline = next(t for t in jian.trainings(None, 1) if t.recipe.name == "jian_baseline")
    text = "\n".join(trainings_table([replace(baseline, begins_with=None), penalised], tmp_path))
    assert f"| {last - 2} of baseline + 2 × 1 |" in text


def test_penalties_go_on_from_the_baseline_and_change_nothing_else() -> None:
    recipes = {t.recipe.name: t for t in jian.trainings(None, 1)}
    baseline = recipes["jian_baseline"].recipe.to_dict()
    assert recipes["jian_baseline"].begins_with == recipes["jian_nmi"].begins_with == "synthetic_truth"
    assert recipes["synthetic_truth"].begins_with is None
    assert baseline["loss"] == {"mind": 1.0, "smoothness": 0.01}
    assert sum(w.numel() for w in recipes["jian_baseline"].recipe.network.build().parameters()) == 1_000_163
    for name in jian.PENALISED:
        other = recipes[name]
        assert other.milestone_of == "jian_baseline"
        assert {k for k, v in other.recipe.to_dict().items() if v != baseline[k]} == {"name", "rigidity"}
    assert set(recipes["synthetic_truth"].recipe.loss) == {"smoothness", "displacement", "bone_displacement"}
    side = np.multiply(recipes["jian_volume"].recipe.crop, recipes["jian_volume"].recipe.spacing_mm)
    assert all(side >= LARGEST_MM)


def test_networks_at_1_mm_see_the_authors_crops_and_begin_with_what_2_mm_taught() -> None:
    fine = {t.recipe.name: t for t in jian_1mm.trainings(None, 1)}
    coarse = {t.recipe.name: t for t in jian.trainings(None, 1)}
    assert fine["synthetic_truth"] == replace(coarse["synthetic_truth"], title="known displacement, 2 mm")
    assert fine["synthetic_truth_1mm"].begins_with == "synthetic_truth"
    assert fine["jian_baseline"].begins_with == "synthetic_truth_1mm"
    tested = jian_1mm._tested(list(fine.values()))
    assert {t.recipe.name for t in tested} == fine.keys() - {"synthetic_truth"}
    authors = recipe_of(recipe_values(find_recipe("jian_baseline")))
    for training in tested:
        assert (training.recipe.spacing_mm, training.recipe.crop) == (authors.spacing_mm, authors.crop)
        assert training.recipe.rigidity == coarse[training.recipe.name.removesuffix("_1mm")].recipe.rigidity
    assert jian_1mm.SHOWN.size == (128, 128, 192)


def test_trainings_from_a_milestone_begin_anew_where_they_get_more_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The milestone lies later with more steps; a training of its own goes on, and none is lost to fewer."""
    trained: list[str] = []
    monkeypatch.setattr(trainings, "training_data", lambda *_: None)
    monkeypatch.setattr(trainings, "train", lambda recipe, folder, *_: trained.append(folder.name))
    both = [t for t in jian.trainings(20, 1) if t.recipe.name in ("jian_baseline", "jian_pc")]
    for steps in (20, 10, 30):
        for training in both:
            folder = tmp_path / training.recipe.name
            folder.mkdir(exist_ok=True)
            (folder / "recipe.json").write_text(json.dumps({"steps": 20}))
        now = [t for t in jian.trainings(steps, 1) if t.recipe.name in ("jian_baseline", "jian_pc")]
        trainings.train_all(now, tmp_path)
        assert (tmp_path / "jian_baseline").exists()
        assert (tmp_path / "jian_pc").exists() == (steps <= 20)
    assert trained == ["jian_baseline", "jian_pc"] * 3


def test_the_thesiss_networks_begin_with_known_displacement_alone() -> None:
    for training in vanulsen.trainings(None, 3):
        known = "displacement" in training.recipe.loss
        assert known == training.recipe.name.startswith("vanulsen_start")
        assert known != ("mutual_information" in training.recipe.loss or "overlap" in training.recipe.loss)


def test_the_thesis_has_four_networks_in_each_of_three_folds() -> None:
    trainings = vanulsen.trainings(None, 3)
    by_name = {t.recipe.name: t for t in trainings}
    assert len(trainings) == 3 * 5 + 3
    for fold in range(3):
        for kind in vanulsen.KINDS:
            training = by_name[vanulsen.fold_name(kind, fold)]
            assert training.begins_with == vanulsen.fold_name("vanulsen_start", fold)
            assert training.recipe.data.fold == fold
            assert sum(w.numel() for w in training.recipe.network.build().parameters()) == 79_483
    assert by_name["vanulsen_ws_rp_fold1"].recipe.loss["rigidity_penalty"].weight == 0.4
    chosen = by_name["vanulsen_us_fold0"].recipe
    assert chosen.loss["smoothness"].weight == 3 * 2.0
    weighted = by_name[vanulsen.weighted_name(20.0)].recipe
    assert weighted.loss["smoothness"].weight == 3 * 20.0
    loss = {**weighted.loss, "smoothness": chosen.loss["smoothness"]}
    assert replace(weighted, name=chosen.name, loss=loss) == chosen


def test_networks_of_one_modality_and_of_one_level_begin_with_weights_of_their_own() -> None:
    for training in (*cao.trainings(None, 5), *gao.trainings(None, 1)):
        assert training.begins_with is None
        assert training.milestone_of is None
    recipes = {t.recipe.name: t.recipe for t in cao.trainings(None, 5)}
    assert len(recipes) == 15
    assert all(recipe.data.affine for recipe in recipes.values())
    assert recipes["cao_ct_only_split3"].loss.keys() == {"ct_correlation", "laplacian", "magnitude"}
    assert {recipe.data.fold for recipe in recipes.values()} == set(range(5))
    levels = [t.recipe.vertebrae for t in gao.trainings(7, 1)[2:]]
    assert [level.levels for level in levels if level] == [(n,) for n in range(20, 25)]
    assert len({training.recipe.steps for training in gao.trainings(None, 1)}) == 1


def cohort() -> Cohort:
    values = {
        "dice": 0.9,
        "mean_surface_mm": 0.4,
        "hd99_mm": 2.0,
        "determinant_mean": 1.0,
        "determinant_sd": 0.1,
    }
    return {
        f"p{k}": {n: {m: v + 0.01 * k for m, v in values.items()} for n in (22, 23, 24)} for k in range(4)
    }


def shifted(by: float) -> Cohort:
    return {
        p: {n: {m: v + by * (1 + 0.1 * n) for m, v in values.items()} for n, values in rows.items()}
        for p, rows in cohort().items()
    }


def test_the_thesiss_columns_are_those_of_the_methods_that_are_there() -> None:
    columns = vanulsen._columns({"Rigid": cohort(), "WS": cohort()})
    assert columns["dice"]["L3"] == ["0.848 ± 0.109", "0.918 ± 0.052 † \\*"]
    assert all(len(cells) == 2 for rows in columns.values() for cells in rows.values())


def test_conclusions_follow_the_sign_of_the_data() -> None:
    thesis = vanulsen.claims({"Rigid": cohort(), "US": shifted(0.01), "WS": shifted(0.02)})
    said = {claim.words: claim.sentence() for claim in thesis}
    assert "reproduced" in said["US overlaps better than the rigid start"]
    assert "reproduced" in said["WS overlaps better than US"]
    assert "reproduced" in said["WS bends the vertebrae most (SD of det J above that of US)"]
    assert "cannot be said" in said["The penalty makes US more rigid (SD of det J)"]
    paper = cao.claims(
        {
            "rigid start": cohort(),
            "SyN (MI)": shifted(0.02),
            "Affine (MI)": cohort(),
            "Dual": cohort(),
        }
    )
    words = {claim.words: claim.sentence() for claim in paper}
    assert "reproduced" in words["SyN (MI) overlaps better than Affine (MI)"]
    assert "the opposite" in words["Dual overlaps better than SyN (MI)"]
    rows = {"baseline": dict.fromkeys(OVERALL, np.array([1.0, 2.0, 3.0]))}
    rows["pc"] = dict.fromkeys(OVERALL, np.array([0.8, 1.9, 2.8]))
    volumes = {claim.words: claim.sentence() for claim in jian.claims(rows)}
    assert "reproduced" in volumes["The properness condition keeps volumes"]


def test_jians_table_shows_the_papers_figures_and_how_far_the_order_agrees() -> None:
    """Figures made of the paper's means: the order agrees fully."""
    published = read_toml(jian.PUBLISHED)
    titles = {"jian_baseline": "baseline", **jian.PENALISED}
    rows = {}
    for name, title in titles.items():
        if name in published["rows"]:
            means = dict(zip(published["columns"], published["rows"][name], strict=True))
            values = {key: means.get(jian.THEIR_NAMES.get(key, key), [0.5]) for key in OVERALL}
            rows[title] = {key: np.array([v[0] - 0.1, v[0] + 0.1]) for key, v in values.items() if v}
    lines = jian.table(rows, published)
    assert any(line.startswith("| pc + rigid dice | 0.78 (0.14)<br>*0.78 (0.11)* |") for line in lines)
    for measure in ("rigid DSC", "%Δvol", "folds"):
        assert f"{measure} +1.00" in jian.agreement_text(rows, published)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Gao's study with two networks of five steps on 4 mm voxels; the output and the page."""
    small = {"spacing_mm": 4.0, "crop": (48, 48, 48), "validation_interval": 5, "checkpoint_interval": 5}

    def trainings(steps: int | None, folds: int) -> list[gao.Training]:
        return [
            replace(
                t,
                recipe=replace(
                    t.recipe,
                    **small,
                    steps=steps or 5,
                    vertebrae=replace(gao._options(t.recipe), levels=(20,), subjects=2, held_out=2, pairs=2),
                ),
            )
            for t in gao.trainings(steps, folds)[:2]
        ]

    def patients(bank: Path, count: int, progress: object):  # type: ignore[no-untyped-def]
        recipe = trainings(None, 1)[0].recipe
        files = gao.synthetic_vertebrae(recipe, bank, gao.TEST_SEED, 2)[20]
        return [gao.Patient(f"L1-{k}", lambda k=k: gao.pair_of(20, files[k], files[1 - k])) for k in (0, 1)]  # type: ignore[misc]

    output = tmp_path_factory.mktemp("gao")
    paper: Paper = replace(gao.PAPER, trainings=trainings, patients=patients)
    return output, run_paper(paper, output, Choices(patients=2, steps=5), silent)


def test_by_default_the_450_pairs_of_the_papers_ten_test_subjects_are_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vertebrae(recipe: Recipe, bank: Path, seed: int, subjects: int, **_: object) -> dict[int, list[Path]]:
        return {level: [bank / f"{seed}-{n}" for n in range(subjects)] for level in range(20, 25)}

    monkeypatch.setattr(gao, "synthetic_vertebrae", vertebrae)
    pairs = [patient.name for patient in gao.patients(tmp_path, Choices().patients, silent)]
    assert len(set(pairs)) == len(pairs) == 450
    assert {level: sum(p.startswith(level) for p in pairs) for level in ("L1", "L5")} == {"L1": 90, "L5": 90}
    assert not any(name.split("-")[1] == name.split("-")[2] for name in pairs)


@pytest.mark.slow
def test_a_page_is_written_from_trainings_of_a_few_steps(tiny: tuple[Path, Path]) -> None:
    output, page = tiny
    text = page.read_text()
    assert text.startswith(f"# {gao.PAPER.title}\n")
    assert "2 ordered pairs" in text
    assert "### AVoxelMorph (study II)" in text
    for picture in ("gao-pair.png", "gao-stages.png", "gao-losses.png"):
        assert f"]({picture})" in text
        assert (output / picture).stat().st_size > 3_000


@pytest.mark.slow
def test_networks_that_learn_on_are_measured_anew(tiny: tuple[Path, Path]) -> None:
    output, _ = tiny
    names = [method_name(t, n) for t, n in trained(gao.trainings(5, 1)[:2], output)]
    assert names == ["avoxelmorph-5", "acsgregnet_small-5"]
    assert sorted(p.stem for p in (output / "rows" / "L1-0").iterdir()) == sorted(names)


def test_the_command_knows_every_paper() -> None:
    assert list(PAPERS) == list(NAMES)
    with pytest.raises(InputError, match="paper 'smith': unknown"):
        find_paper("smith")


def test_published_tables_are_complete() -> None:
    for paper in ("vanulsen", "cao"):
        tables = [value for value in PUBLISHED[paper].values() if isinstance(value, dict)]
        assert all(len(cells) == 5 for table in tables for cells in table.values())
    assert PUBLISHED["cao"]["mean_surface_mm"]["prostate"][3] == "1.72 ± 0.42"
    assert PUBLISHED["vanulsen"]["source"].startswith("H. van Ulsen")
    assert all(len(row) == 3 for row in list(PUBLISHED["gao"]["acsgregnet_small"].values())[:4])
    theirs = read_toml(jian.PUBLISHED)
    assert "Table 1" in theirs["source"]
    assert all(len(row) == len(theirs["columns"]) for row in theirs["rows"].values())


def test_weights_are_compared_by_the_last_validation_of_every_trial(tmp_path: Path) -> None:
    trainings = jian.trainings(None, 1)
    names = {t.recipe.name: t for t in trainings}
    weight = names["jian_pc"].recipe.rigidity["properness"].weight
    assert names["jian_pc_x10"].recipe.rigidity["properness"].weight == 10 * weight
    assert not any("_x" in t.recipe.name for t in jian._tested(trainings))
    assert jian.weights_section(jian._single(trainings), jian.SIMILARITIES, tmp_path) == []
    columns = "step,bone_mm,soft_mm,zero_bone_mm,zero_soft_mm"
    for name, bone in (("jian_pc", 3), ("jian_pc_x10", 2), ("jian_baseline", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "validation.csv").write_text(f"{columns}\n1,9,9,9,9\n2,{bone},4,5,6\n")
    text = "\n".join(jian.weights_section(jian._single(trainings), jian.SIMILARITIES, tmp_path))
    assert "| pc (0.01) | 3.500 | **3.000** |" in text
    assert "MIND 4.000, no motion 5.500" in text
