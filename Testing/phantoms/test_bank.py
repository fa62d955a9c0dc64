"""The bank of pairs: complete files or none, read back as they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spine_ctmr.phantoms import bank
from spine_ctmr.phantoms.patient import Pair
from spine_ctmr.research.training import synthetic_data
from spine_ctmr.research.training.recipe import DataOptions, Recipe

SIZE = (6, 5, 4)


def _fake_pair(
    seed: int,
    index: int,
    size: tuple[int, int, int],
    spacing_mm: float,
    anatomies: object = None,
    motion: str = "",
) -> Pair:
    rng = np.random.default_rng([seed, index])
    shape = size[::-1]
    return Pair(
        ct=rng.uniform(-1000, 2000, shape).astype(np.float32),
        mr=rng.uniform(0, 1, (5, *shape)).astype(np.float32),
        displacement=rng.normal(0, 5, (*shape, 3)).astype(np.float32),
        bone=rng.integers(0, 27, shape).astype(np.uint8),
        ct_labels=rng.integers(0, 27, shape).astype(np.uint8),
        spacing_mm=spacing_mm,
    )


@pytest.fixture(autouse=True)
def quick_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "make_pair", _fake_pair)


def test_a_read_pair_equals_the_made_one_to_half_precision(tmp_path: Path) -> None:
    bank.fill_bank(tmp_path / "bank", 3, range(2), SIZE, 1.5)
    made, read = _fake_pair(3, 1, SIZE, 1.5), bank.read_pair(tmp_path / "bank", 3, 1)
    for name in ("ct", "mr", "displacement"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name).astype(np.float16))
    np.testing.assert_array_equal(read.bone, made.bone)
    np.testing.assert_array_equal(read.ct_labels, made.ct_labels)
    assert read.spacing_mm == 1.5


def test_only_finished_files_lie_in_the_bank(tmp_path: Path) -> None:
    bank.fill_bank(tmp_path, 3, range(3), SIZE, 1.0)
    assert {p.name for p in tmp_path.iterdir()} == {bank.pair_path(tmp_path, 3, i).name for i in range(3)}


def test_an_interrupted_write_leaves_nothing_under_the_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(stream: object, **arrays: object) -> None:
        stream.write(b"half a file")  # type: ignore[attr-defined]
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space"):
        bank.fill_bank(tmp_path, 3, range(1), SIZE, 1.0)
    assert not bank.pair_path(tmp_path, 3, 0).exists()


def test_a_bank_is_continued_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.fill_bank(tmp_path, 3, range(2), SIZE, 1.0)
    made = []

    def counted(seed: int, index: int, *shape: Any) -> Pair:
        made.append(index)
        return _fake_pair(seed, index, *shape)

    monkeypatch.setattr(bank, "make_pair", counted)
    bank.fill_bank(tmp_path, 3, range(4), SIZE, 1.0)
    assert made == [2, 3]


def test_filling_reports_progress_up_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    bank.fill_bank(tmp_path, 3, range(4), SIZE, 1.0, lambda _, share: told.append(share))
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_banks_of_two_seeds_share_a_folder(tmp_path: Path) -> None:
    for seed in (1, 2):
        bank.fill_bank(tmp_path, seed, range(1), SIZE, 1.0)
    assert not np.array_equal(bank.read_pair(tmp_path, 1, 0).ct, bank.read_pair(tmp_path, 2, 0).ct)


def test_pairs_of_an_earlier_generator_are_not_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataOptions(pairs=2, held_out=1, margin=4)
    recipe = Recipe("tiny", crop=(16, 16, 16), spacing_mm=2.0, data=data)
    folders = []
    for edition in (2, 3):
        monkeypatch.setattr(synthetic_data, "EDITION", edition)
        folders.append(synthetic_data.synthetic_patients(recipe, tmp_path).bank)
    assert [f.name for f in folders] == ["edition2-mechanics-2mm-20x20x20", "edition3-mechanics-2mm-20x20x20"]
    assert all(len(list(f.iterdir())) == 3 for f in folders)
