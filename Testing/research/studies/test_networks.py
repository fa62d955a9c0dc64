"""Networks on held-out patients: measures of known displacements, the right voxels, and tables."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from spine_ctmr.network.integration import voxel_indices, warp
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.studies.kernel import FAILURE, Row, Values
from spine_ctmr.research.studies.networks import methods
from spine_ctmr.research.studies.networks.contours import draw_contours
from spine_ctmr.research.studies.networks.floor import rigid_dsc_floor
from spine_ctmr.research.studies.networks.held_out import HeldOutPatient, Shown
from spine_ctmr.research.studies.networks.measures import measure
from spine_ctmr.research.studies.networks.methods import by_affine, by_network, no_motion, read_network
from spine_ctmr.research.studies.networks.results import (
    cohort_of,
    mean_cohort,
    mean_overall,
    overall_of,
    rows_of,
)
from spine_ctmr.research.studies.networks.similarity import coarse, truth_method, truth_table
from spine_ctmr.research.studies.networks.whole import case_of
from spine_ctmr.research.studies.papers import cao, jian_1mm, vanulsen
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.starts import CENTERS

torch.set_num_threads(1)
SHOWN = Shown("T1", CENTERS)
SIZE, SPACING_MM = SHOWN.size, SHOWN.spacing_mm


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
    return HeldOutPatient(0, Batch(image, image, labels, torch.ones_like(image), field, fixed), SPACING_MM)


def moved(millimetres: float) -> torch.Tensor:
    field = torch.zeros(1, 3, *SIZE[::-1])
    field[:, 0] = millimetres
    return field


def row(values: Values, name: str = "p0", method: str = "a") -> Row:
    return Row(name, "", method, "", None, values)


def test_the_truth_is_perfect_and_no_motion_is_off_by_it() -> None:
    someone = patient()
    perfect, still = measure(someone, moved(4.0), 1.5), measure(someone, no_motion(someone), 0.0)
    assert [vertebra["number"] for vertebra in perfect["vertebrae"]] == [23]
    found, before = perfect["vertebrae"][0], still["vertebrae"][0]
    assert (found["dice"], found["mean_surface_mm"], found["hd99_mm"], found["tre_mm"]) == (1, 0, 0, 0)
    assert (found["determinant_mean"], found["determinant_sd"]) == pytest.approx((1, 0), abs=1e-6)
    overall = perfect["overall"]
    assert overall["cpu_s"] == 1.5
    assert overall["bone_mm"] == overall["folds"] == overall["volume_percent"] == 0
    assert overall["rigid_dsc"] == 1
    assert (overall["rigid_deviation_mm"], overall["properness"]) == pytest.approx((0, 0), abs=1e-4)
    assert before["dice"] == before["dice_before"] == found["dice_before"] == pytest.approx(0.8)
    assert before["hd99_mm"] == pytest.approx(2 * SPACING_MM)
    assert before["tre_mm"] == still["overall"]["bone_mm"] == pytest.approx(4.0)


def test_a_stretch_has_its_known_determinant_deviation_and_properness() -> None:
    """By 1.25 along x: of the block's ten columns eight remain."""
    field = moved(0.0)
    field[:, 0] = 0.25 * SPACING_MM * (torch.arange(SIZE[0]) - 30.0)
    found = measure(patient(0), field, 0.0)
    assert found["vertebrae"][0]["determinant_mean"] == pytest.approx(1.25)
    overall = found["overall"]
    columns = SPACING_MM * np.arange(8).std()
    assert overall["rigid_deviation_mm"] == pytest.approx(0.25 * columns, rel=0.02)
    assert overall["properness"] == pytest.approx(0.25**2, rel=1e-3)
    assert overall["volume_percent"] == pytest.approx(20, abs=0.1)
    assert overall["rigid_dsc"] < 0.95


def test_folds_are_counted_and_the_spread_of_the_determinant_is_that_of_its_logarithm() -> None:
    folded = moved(0.0)
    folded[:, 2, 40] = -6.0
    assert measure(patient(0), folded, 0.0)["overall"]["folds"] == SIZE[0] * SIZE[1]
    halves = moved(0.0)
    places = torch.arange(SIZE[0]) * SPACING_MM
    halves[:, 0] = 0.25 * (64 - places).clip(0)
    overall = measure(patient(0), halves, 0.0)["overall"]
    assert overall["sd_log_j"] == pytest.approx(abs(math.log(0.75)) / 2, rel=0.05)
    assert overall["sd_log_j_learn2reg"] < overall["sd_log_j"] / 3


def test_a_perfect_rigid_motion_scores_below_one_the_more_the_coarser_the_grid() -> None:
    """An ellipsoid; a mask moved twice has lost more than one moved once."""
    floors = []
    for spacing in (1.0, 3.0):
        side = int(72 / spacing)
        axes = (voxel_indices((side,) * 3, torch.zeros(())) + 0.5) * spacing - 36
        inside = (axes / torch.tensor([16.0, 11.0, 8.0])).square().sum(-1) < 1
        floors.append(rigid_dsc_floor([inside.long()[None, None]] * 6, spacing))
    fine, coarse_ones = floors
    assert (len(fine.nearest), len(coarse_ones.twice)) == (6, 6)
    assert 1 > fine.nearest.mean() > coarse_ones.nearest.mean() > 0.8
    assert fine.twice.mean() > coarse_ones.twice.mean() > 0.8
    assert coarse_ones.twice.mean() < coarse_ones.nearest.mean()


@pytest.mark.parametrize(
    "training", [cao.trainings(5, 1)[0], vanulsen.trainings(5, 1)[0]], ids=["cao", "vanulsen"]
)
def test_networks_answer_for_the_voxels_that_are_measured(
    tmp_path: Path, training: vanulsen.Training
) -> None:
    """One voxel of the image changes the answer around it, however much the network cuts off."""
    recipe = replace(training.recipe, data=replace(training.recipe.data, affine=False))
    torch.manual_seed(0)
    model = recipe.network.build()
    torch.nn.init.normal_(model.flow.weight)  # type: ignore[arg-type, union-attr]
    save_atomically({"average": model.state_dict(), "step": 7}, tmp_path / "last.pt")
    network = read_network(recipe, tmp_path / "last.pt")
    assert network.steps == 7
    someone, register = patient(), by_network(network)
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


def test_displacements_of_coarse_networks_are_upsampled_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that answers with its own voxel's place gives the mean place of the patient's voxels."""
    recipe = vanulsen.trainings(5, 1)[0].recipe
    assert methods.voxels_across(recipe, SPACING_MM) == 2
    with pytest.raises(ValueError, match="multiple"):
        methods.voxels_across(replace(recipe, spacing_mm=3.0), SPACING_MM)
    ramp = torch.arange(SIZE[0]).expand(SIZE[::-1])[None, None] + 0.0
    someone = patient()
    someone = replace(someone, batch=replace(someone.batch, fixed=ramp, moving=ramp))
    save_atomically({"average": recipe.network.build().state_dict(), "step": 1}, tmp_path / "last.pt")
    monkeypatch.setattr(
        methods,
        "predicted_motion",
        lambda recipe, layers, model, batch: Motion(batch.fixed.repeat(1, 3, 1, 1, 1)),
    )
    found = by_network(read_network(recipe, tmp_path / "last.pt"))(someone)
    torch.testing.assert_close(found[0, 0, ..., 1:-1], ramp[0, 0, ..., 1:-1])


def test_a_network_of_1_mm_registers_patients_of_1_mm_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Millimetres count, not voxels; and on coarser patients it is no choice."""
    recipe = jian_1mm.trainings(5, 1)[1].recipe
    fine = replace(patient(), spacing_mm=1.0)
    assert fine.grid.spacing_mm == (1.0, 1.0, 1.0)
    seen: list[torch.Tensor] = []

    def answer(recipe: object, layers: object, model: object, batch: Batch) -> Motion:
        seen.append(batch.fixed)
        return Motion(moved(2.0))

    save_atomically({"average": recipe.network.build().state_dict(), "step": 1}, tmp_path / "last.pt")
    monkeypatch.setattr(methods, "predicted_motion", answer)
    network = by_network(read_network(recipe, tmp_path / "last.pt"))
    torch.testing.assert_close(network(fine), moved(2.0))
    torch.testing.assert_close(seen[0], fine.batch.fixed)
    found = measure(replace(fine, batch=replace(fine.batch, displacement=moved(2.0))), network(fine), 0.0)
    assert found["overall"]["bone_mm"] == 0
    assert found["vertebrae"][0]["dice"] == 1
    with pytest.raises(ValueError, match="multiple"):
        network(patient())


def test_affine_registration_comes_before_the_network_and_the_motions_are_composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that answers with a shift of 2 mm, after an affine map that stretches and shifts."""
    matrix = np.diag([1.1, 1.0, 1.0, 1.0])
    matrix[:3, 3] = (0.0, -4.0, 0.0)
    seen: list[torch.Tensor] = []

    def answer(recipe: object, layers: object, model: object, batch: Batch) -> Motion:
        seen.append(batch.moving)
        shift = torch.zeros(1, 3, *(n - 40 for n in batch.fixed.shape[2:]))
        shift[:, 0] = 2.0
        return Motion(shift, margin=20)

    recipe = cao.trainings(5, 1)[0].recipe
    assert recipe.data.affine
    save_atomically({"average": recipe.network.build().state_dict(), "step": 1}, tmp_path / "last.pt")
    monkeypatch.setattr(methods, "affine_by_information", lambda *_: matrix)
    monkeypatch.setattr(methods, "predicted_motion", answer)
    someone = patient()
    found = by_network(read_network(recipe, tmp_path / "last.pt"))(someone)
    x = torch.arange(SIZE[0]) * SPACING_MM
    torch.testing.assert_close(found[0, 0, 50, 30], 1.1 * (x + 2) - x)
    torch.testing.assert_close(found[0, 1], torch.full_like(found[0, 1], -4.0))
    affine = by_affine(someone)
    torch.testing.assert_close(affine[0, 0, 50, 30], 0.1 * x, atol=1e-4, rtol=0)
    shown = torch.nn.functional.avg_pool3d(warp(someone.batch.moving, affine, SPACING_MM), 2)
    torch.testing.assert_close(seen[0][..., 20:-20, 20:-20, 20:-20], shown)


def test_case_has_the_images_and_a_start_without_motion() -> None:
    case = case_of(patient())
    assert case.ct.GetSpacing() == (SPACING_MM,) * 3
    assert case.mr_centroids is not None
    assert set(case.mr_centroids) <= {22, 23}


@pytest.mark.slow
def test_rows_become_cohorts_and_means_over_networks() -> None:
    rows = [row(measure(patient(), moved(mm), mm), f"p{k}") for k, mm in enumerate((2.0, 4.0))]
    rows += [row({FAILURE: "ended"}, "p2"), row({}, "p0", "b")]
    chosen = rows_of(rows, "a")
    assert [r.patient for r in chosen] == ["p0", "p1"]
    cohort, overall = cohort_of(chosen, [23]), overall_of(chosen)
    assert overall["bone_mm"].tolist() == pytest.approx([2, 0])
    assert cohort["p0"][23]["dice"] == pytest.approx(0.9)
    assert cohort_of(chosen, [20]) == {"p0": {}, "p1": {}}
    other = [row(measure(patient(), moved(4.0), 0.0), f"p{k}") for k in range(2)]
    both = mean_cohort([cohort, cohort_of(other)])
    assert both["p0"][23]["dice"] == pytest.approx(0.95)
    assert mean_overall([overall, overall_of(other)])["bone_mm"].tolist() == pytest.approx([1, 0])


def test_what_the_losses_say_of_the_truth_is_told() -> None:
    """The images differ by the true motion, so that it has the least correlation loss."""
    recipe = replace(
        vanulsen.trainings(5, 1)[0].recipe,
        spacing_mm=SPACING_MM,
        loss=loss_terms({"correlation": 1.0, "smoothness": 1.0}, ""),
    )
    values = []
    for k in range(3):
        image = torch.rand(1, 1, *SIZE[::-1], generator=torch.Generator().manual_seed(k))
        batch = replace(patient().batch, fixed=image.roll(-2, -1), moving=image)
        values.append(truth_method([recipe]).measure(HeldOutPatient(k, batch, SPACING_MM)))
    assert list(values[0]) == ["correlation, 2 mm"]
    rows = [row(v, f"p{k}", truth_method([recipe]).name) for k, v in enumerate(values)]
    table = "\n".join(truth_table(rows))
    assert "yes, in 3 of 3 patients" in table
    flipped = [replace(r, values={k: v[::-1] for k, v in r.values.items()}) for r in rows]
    assert "**more**, in 0 of 3 patients" in "\n".join(truth_table(flipped))
    assert truth_table([]) == []


def test_coarser_batches_keep_means_and_the_middle_labels() -> None:
    batch = patient().batch
    half = coarse(batch, 2)
    assert half.fixed.shape[2:] == tuple(n // 2 for n in SIZE[::-1])
    assert half.fixed.mean() == pytest.approx(float(batch.fixed.mean()), rel=1e-4)
    assert half.displacement is not None
    assert half.displacement[:, 0].unique().tolist() == [4.0]
    assert set(half.labels.unique().tolist()) == {0, 22, 23}
    assert coarse(batch, 1) is batch


def test_contours_of_the_true_motion_lie_on_the_true_bone(tmp_path: Path) -> None:
    someone = patient()
    draw_contours(tmp_path / "a.png", someone, {"truth": moved(4.0)})
    draw_contours(tmp_path / "b.png", someone, {"truth": moved(4.0), "none": moved(0.0)})
    sizes, orange = [], []
    for name in ("a", "b"):
        picture = np.asarray(Image.open(tmp_path / f"{name}.png").convert("RGB")).astype(int)
        sizes.append(picture.shape[1])
        orange.append(int((np.abs(picture - (230, 159, 0)).sum(-1) < 60).sum()))
    assert sizes[1] > 1.5 * sizes[0]
    assert orange[1] > 5 * max(orange[0], 1)  # the later contour, blue, hides the true one


def test_slow_methods_register_the_first_patients_alone() -> None:
    slow, quick = (methods.measured(name, "", no_motion) for name in ("staring", "other"))
    first = patient()
    last = replace(first, number=methods.SLOW_PATIENTS)
    assert slow.measure(first)["overall"]["bone_mm"] == quick.measure(last)["overall"]["bone_mm"]
    left_out = overall_of([row(slow.measure(last))])
    assert all(np.isnan(values).all() for values in left_out.values())
