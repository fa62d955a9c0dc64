"""The contact sheet: one complete picture or none, and clear words about a bad name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from spine_ctmr.command.main import main
from spine_ctmr.errors import InputError
from spine_ctmr.phantoms import contact_sheet


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "SIZE", (20, 24, 28))
    monkeypatch.setattr(contact_sheet, "SPACING_MM", 3.0)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_every_patient_has_a_row_and_progress_ends(tmp_path: Path) -> None:
    told: list[float] = []
    heights = []
    for patients in (1, 2):
        path = tmp_path / f"{patients}.png"
        contact_sheet.draw_contact_sheet(path, 100, patients, lambda _, share: told.append(share))
        picture = np.asarray(Image.open(path))
        assert picture.std() > 20
        heights.append(picture.shape[0])
    row = heights[1] - heights[0]
    assert row == 28 * contact_sheet.ZOOM + contact_sheet.GAP_PX + contact_sheet.TEXT_PX + 6
    assert told == [0.0, 1.0, 0.0, 0.5, 1.0]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_same_seed_gives_the_same_sheet(tmp_path: Path) -> None:
    pictures = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        contact_sheet.draw_contact_sheet(tmp_path / f"{name}.png", seed, 1)
        pictures.append(np.asarray(Image.open(tmp_path / f"{name}.png")))
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.usefixtures("small")
def test_a_real_mr_is_shown_above(tmp_path: Path) -> None:
    """Its left-posterior-cranial corner is bright, and so is that corner in the columns of the MR alone."""
    array = np.full((40, 30, 30), 100, np.int16)
    array[20:, 15:, 15:] = 400
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((6.0, 6.0, 6.0))
    contact_sheet.draw_contact_sheet(tmp_path / "sheet.png", 3, 0, beside=image)
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))[2 * (contact_sheet.TEXT_PX + 6) :, :, 0]
    columns = np.split(picture, np.cumsum([24 * 2 + 6] * 3 + [20 * 2 + 6] * 3), 1)
    assert [bool(c.any()) for c in columns] == [False, True, False, False, True, False, True]
    sagittal, axial, coronal = (columns[i][6:50, 4:36] for i in (1, 4, 6))
    assert sagittal[:15, 22:].min() > sagittal[30:, :10].max()
    assert axial[26:34, 22:].min() > axial[:15, :10].max()
    assert coronal[:15, 22:].min() > coronal[30:, :10].max()


@pytest.mark.usefixtures("small")
def test_a_real_mr_is_cut_where_it_is_wanted(tmp_path: Path) -> None:
    """Half of it is bright: a place in that half shows nothing else."""
    array = np.full((80, 90, 90), 100, np.int16)
    array[40:] = 400
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((6.0, 6.0, 6.0))
    pictures = []
    for at_mm in ((270.0, 270.0, 390.0), (270.0, 270.0, 240.0)):
        path = tmp_path / f"{at_mm[2]}.png"
        contact_sheet.draw_contact_sheet(path, 3, 0, beside=image, at_mm=at_mm)
        pictures.append(np.asarray(Image.open(path))[60:100, 70:100, 0])
    assert np.ptp(pictures[0]) == 0
    assert np.ptp(pictures[1]) > 100


def test_a_place_outside_the_real_mr_is_refused(tmp_path: Path) -> None:
    image = sitk.Image(20, 30, 40, sitk.sitkInt16)
    image.SetOrigin((0.0, 0.0, -600.0))
    with pytest.raises(InputError, match=r"\(2, 34, -600\) lies outside the MR, .* \(20, 30, -560\)"):
        contact_sheet.draw_contact_sheet(
            tmp_path / "sheet.png", 3, 0, beside=image, at_mm=(2.0, 34.0, -600.0)
        )
    assert not list(tmp_path.iterdir())


def test_a_place_without_a_real_mr_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contact-sheet", "--output", str(tmp_path / "a.png"), "--at", "1", "2", "3"]) == 2
    assert "--beside" in capsys.readouterr().err


@pytest.mark.parametrize("place", [["1", "2"], ["1", "2", "nan"], ["1", "2", "left"]])
def test_bad_places_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], place: list[str]) -> None:
    assert main(["contact-sheet", "--output", str(tmp_path / "a.png"), "--at", *place]) == 2
    assert "--at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [("sheet.jpg", "ends in .png"), ("none/sheet.png", "create it first"), ("old.png", "--overwrite")],
)
def test_bad_names_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    assert main(["contact-sheet", "--output", str(tmp_path / name)]) == 2
    assert words in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["old.png"]
    assert (tmp_path / "old.png").read_bytes() == b"old"
