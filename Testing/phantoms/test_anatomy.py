"""What the anatomy promises is what is rendered: implants, fused levels, canal, tissue values."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from spine_ctmr.phantoms.anatomy import Anatomy, make_anatomy, with_screws
from spine_ctmr.phantoms.implants import screw_ends
from spine_ctmr.phantoms.motion import MotionOptions, random_poses
from spine_ctmr.phantoms.rendering import bone_labels, contrast_table, render
from spine_ctmr.phantoms.tissue import INDEX, TISSUES, ct_contrast, mr_contrast

LUMBAR = (20, 21, 22, 23, 24, 26)


def _healthy(seed: int, levels: tuple[int, ...] = LUMBAR) -> Anatomy:
    """A patient without implants, fused levels or cement."""
    anatomy = make_anatomy(np.random.default_rng(seed), levels)
    plain = [
        replace(v, screws=False, cement=None, fused_below=False, gas_below=False) for v in anatomy.vertebrae
    ]
    return replace(anatomy, vertebrae=tuple(plain))


def _at(anatomy: Anatomy, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CT and T1 values (n, 2) with typical contrasts, and labels (n,), at LPS points (n, 3)."""
    rng = np.random.default_rng(0)
    table = contrast_table([ct_contrast(rng), mr_contrast(rng, "T1")])
    values, labels = render(anatomy, torch.tensor(points, dtype=torch.float32), table, 0.5)
    return values.numpy(), labels.numpy()


@pytest.mark.parametrize("seed", range(4))
def test_every_level_has_one_label_of_a_plausible_size(seed: int) -> None:
    """Whole lumbar vertebrae of adults hold some 40 to 90 ml."""
    anatomy = _healthy(seed)
    low = anatomy.centers.min(0) - np.array([75, 45, 120])
    high = anatomy.centers.max(0) + np.array([75, 125, 45])
    axes = [np.arange(a, b, 3.0) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    labels = bone_labels(anatomy, torch.tensor(points, dtype=torch.float32)).numpy()
    assert set(labels.tolist()) == {0, *LUMBAR}
    for number in LUMBAR[:-1]:
        assert 25 < (labels == number).sum() * 0.027 < 120
    _, rendered = _at(anatomy, points[::7])
    np.testing.assert_array_equal(rendered, labels[::7])


@pytest.mark.parametrize("seed", range(6))
def test_body_is_bone_and_canal_is_not(seed: int) -> None:
    anatomy = _healthy(seed, tuple(range(3, 25)))
    canal = [f.apply(v.canal_center) for v, f in zip(anatomy.vertebrae, anatomy.frames, strict=True)]
    _, labels = _at(anatomy, np.concatenate([anatomy.centers, canal]))
    assert tuple(labels[: len(canal)]) == anatomy.numbers
    assert not labels[len(canal) :].any()


def test_screws_are_metal_on_ct_and_void_on_mr() -> None:
    anatomy = _healthy(1)
    anatomy = replace(anatomy, vertebrae=with_screws(anatomy.vertebrae, 2))
    for i, (v, frame) in enumerate(zip(anatomy.vertebrae, anatomy.frames, strict=True)):
        for side in (-1.0, 1.0):
            head, tip = (np.array(end) for end in screw_ends(v, side))
            shaft = frame.apply(head + np.linspace(0, 1, 9)[:, None] * (tip - head))
            values, _ = _at(anatomy, shaft)
            assert (values[:, 0] > 7000).all() == (i in (2, 3))
            assert (values[:, 1] < 0.05).all() == (i in (2, 3))


def test_rods_hold_the_screws_of_neighbours() -> None:
    anatomy = _healthy(1)
    anatomy = replace(anatomy, vertebrae=with_screws(anatomy.vertebrae, 1, 3))
    heads = [
        f.apply(np.array(screw_ends(v, 1.0)[0]))
        for v, f in zip(anatomy.vertebrae, anatomy.frames, strict=True)
    ]
    between = np.array([(a + b) / 2 for a, b in pairwise(heads)])
    values, _ = _at(anatomy, between)
    assert list(values[:, 0] > 7000) == [False, True, True, False, False]


def test_the_void_of_metal_is_seen_on_mr_only() -> None:
    anatomy = _healthy(3)
    with_metal = replace(anatomy, vertebrae=with_screws(anatomy.vertebrae, 2))
    frame, v = anatomy.frames[2], anatomy.vertebrae[2]
    head, tip = (np.array(end) for end in screw_ends(v, 1.0))
    across = np.cross(tip - head, [1.0, 0, 0])
    beside = frame.apply((head + 2 * tip) / 3 + across / np.linalg.norm(across) * 5.0)[None]
    (ct, _), (ct_metal, mr_metal) = _at(anatomy, beside)[0][0], _at(with_metal, beside)[0][0]
    assert ct_metal == pytest.approx(ct)
    assert mr_metal < 0.05


def test_cement_is_dense() -> None:
    anatomy = _healthy(2)
    filled = replace(anatomy.vertebrae[3], cement=(0.0, 0.0, 0.0))
    anatomy = replace(anatomy, vertebrae=(*anatomy.vertebrae[:3], filled, *anatomy.vertebrae[4:]))
    values, labels = _at(anatomy, anatomy.centers)
    assert values[3, 0] > 1800
    assert (np.delete(values[:, 0], 3) < 900).all()
    assert labels[3] == anatomy.numbers[3]


def test_fused_levels_move_as_one() -> None:
    rng = np.random.default_rng(0)
    anatomy = _healthy(0)
    shapes = list(anatomy.vertebrae)
    shapes[1] = replace(shapes[1], fused_below=True)
    poses = random_poses(rng, replace(anatomy, vertebrae=tuple(shapes)), MotionOptions())
    for i, (upper, lower) in enumerate(pairwise(anatomy.numbers)):
        still = np.allclose(poses[upper].matrix, poses[lower].matrix, atol=1e-9)
        assert still == (i == 1)


def test_discs_wear_out() -> None:
    """A worn disc is dark on T2, one with gas is black on CT, a fused one is bone."""
    anatomy = _healthy(4)
    upper, lower = anatomy.frames[2], anatomy.frames[3]
    shapes = anatomy.vertebrae
    floor = upper.apply([0, 0, -shapes[2].height / 2])
    roof = lower.apply([0, 0, shapes[3].height / 2])
    middle = (floor + roof) / 2 + upper.rotation @ [0, -0.1 * shapes[2].depth, 0]
    signal = {}
    for name, change in {
        "young": {"degeneration": 0.0},
        "worn": {"degeneration": 1.0},
        "gas": {"gas_below": True},
        "fused": {"fused_below": True},
    }.items():
        changed = replace(shapes[2], **change)
        patient = replace(anatomy, vertebrae=(*shapes[:2], changed, *shapes[3:]))
        rng = np.random.default_rng(1)
        table = contrast_table([ct_contrast(rng), mr_contrast(rng, "T2")])
        signal[name] = render(patient, torch.tensor(middle[None], dtype=torch.float32), table, 0.5)[0][0]
        marrow = float(table[INDEX["marrow"], 0])
    assert signal["worn"][1] < 0.6 * signal["young"][1]
    assert signal["gas"][0] < -700
    assert signal["fused"][0] == pytest.approx(marrow, abs=1)


def test_a_table_lies_under_the_back_and_shows_on_ct_only() -> None:
    anatomy = _healthy(5)
    x, y = np.meshgrid(np.arange(-60, 60, 3.0), np.arange(60, 200, 1.0))
    points = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3) + anatomy.centers.mean(0)
    with_table, without = (
        _at(replace(anatomy, body=replace(anatomy.body, table=t)), points)[0] for t in (True, False)
    )
    changed = np.abs(with_table - without) > 1e-3
    assert changed[:, 0].any()
    assert not changed[:, 1].any() or with_table[changed[:, 1], 1].max() < 0.03
    skin = points[without[:, 0] > -500, 1].max()
    assert points[changed[:, 0], 1].min() >= skin - 1


def test_the_same_seed_gives_the_same_patient() -> None:
    points = np.random.default_rng(0).uniform(-80, 80, (500, 3))
    first, second = (_at(make_anatomy(np.random.default_rng(8), LUMBAR), points)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("levels", [(1, 2, 3, 4), (6, 7, 8, 9), (18, 19, 28, 20), (23, 24, 25, 26), (22,)])
def test_every_region_renders(levels: tuple[int, ...]) -> None:
    anatomy = make_anatomy(np.random.default_rng(3), levels)
    points = np.random.default_rng(0).uniform(-90, 90, (3000, 3)) + anatomy.centers.mean(0)
    values, labels = _at(anatomy, points)
    assert np.isfinite(values).all()
    assert set(labels.tolist()) - {0} <= set(levels)
    assert len(TISSUES) == len(INDEX)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [(2, 3, 4, 5, 6, 7), (9, 10, 11, 12), (20, 21, 22, 23, 24, 26)])
def test_vertebrae_hardly_touch(levels: tuple[int, ...]) -> None:
    """A joint has a space: bones that overlap cannot both move rigidly."""
    for seed in range(3):
        anatomy = make_anatomy(np.random.default_rng(seed), levels)
        low, high = anatomy.centers.min(0) - [40, 20, 40], anatomy.centers.max(0) + np.array([40, 80, 30])
        axes = [np.arange(a, b, 1.7) for a, b in zip(low, high, strict=True)]
        points = torch.tensor(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3))
        alone = torch.stack([bone_labels(anatomy, points.float(), only=n) > 0 for n in levels])
        shared = (alone.sum(0) > 1).sum() / (alone.sum(0) > 0).sum()
        assert shared < 0.002
