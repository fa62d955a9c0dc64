"""Which vertebra each segment is read as, what keeps a run from starting, and the rows of a result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import SpineCTMRRegistrationLib
from spine_ctmr.errors import InputError
from spine_ctmr.quality.flags import flag_vertebra
from spine_ctmr.quality.quality_files import write_quality_json
from SpineCTMRRegistrationLib.vertebra_axes import vertebra_axes
from SpineCTMRRegistrationLib.vertebra_table import (
    FLAG_COLORS,
    ResultRow,
    SegmentInfo,
    missing,
    read_quality,
    segment_rows,
    vertebra_choices,
)


def named(*names: str) -> list[SegmentInfo]:
    return [SegmentInfo(f"id {i}", name) for i, name in enumerate(names)]


def test_names_are_read_as_the_command_reads_them() -> None:
    rows = segment_rows(named("vertebrae_L1", "Th12", "aorta", "Sacrum"), mr_names=["L1 body", "S1", "L3"])
    assert [row.vertebra for row in rows] == ["T12", "L1", "S1", None]
    assert [row.in_mr for row in rows] == [False, True, True, False]
    assert [row.editable for row in rows] == [False, False, False, True]
    assert missing(rows) is None


def test_vertebrae_come_first_and_other_rows_stay_where_they_are_while_they_are_named() -> None:
    segments = named("spleen", "sacrum", "vertebrae_L5", "aorta", "vertebrae_T13", "vertebrae_L1")
    names = ["vertebrae_T13", "vertebrae_L1", "vertebrae_L5", "sacrum", "spleen", "aorta"]
    assert [row.name for row in segment_rows(segments)] == names
    assert [row.name for row in segment_rows(segments, {"id 3": "T12"})] == names


def test_terminology_says_what_a_meaningless_name_does_not() -> None:
    segment = SegmentInfo("a", "Segment_1", ("Anatomical Structure", "L3 vertebra"))
    assert segment_rows([segment])[0].vertebra == "L3"


def test_default_names_with_verse_numbers_are_understood_as_by_the_command() -> None:
    assert [r.vertebra for r in segment_rows(named("Segment_20", "Segment_21"))] == ["L1", "L2"]
    assert [r.vertebra for r in segment_rows(named("Segment_1", "Segment_2"))] == [None, None]


def test_the_user_says_what_meaningless_segments_are() -> None:
    rows = segment_rows(named("bone", "L2"), {"id 0": "L1", "id 1": "T4"})
    assert {row.name: row.vertebra for row in rows} == {"bone": "L1", "L2": "L2"}
    assert segment_rows(named("bone"), {"id 0": ""})[0].vertebra is None


def test_what_is_missing_is_said_in_one_sentence() -> None:
    assert "No segment is named" in (missing(segment_rows(named("bone"))) or "")
    assert "2 segments are named L1" in (missing(segment_rows(named("L1", "L1 vertebra"))) or "")
    assert "The MR names none" in (missing(segment_rows(named("L1"), mr_names=["L2"])) or "")
    assert missing(segment_rows([])) is not None
    assert missing(segment_rows(named("L1"), mr_names=None)) is None


def test_all_vertebrae_can_be_chosen() -> None:
    choices = vertebra_choices()
    assert len(choices) == 27
    assert choices[0] == "C1"
    assert choices[18:21] == ("T12", "T13", "L1")


def test_rows_come_from_the_quality_file(tmp_path: Path) -> None:
    good = flag_vertebra("L1", 20, spread_mm=0.1, match_ratio=0.5)
    bad = flag_vertebra("L2", 21, spread_mm=0.1, match_ratio=0.5, visible_share=0.01)
    write_quality_json(tmp_path / "quality.json", [good, bad], {"folding_voxels": 0}, ["Look at L2."])
    quality = read_quality(tmp_path)
    assert [row.flag for row in quality.rows] == ["good", "do not use"]
    assert "1 % of the bone" in quality.rows[1].reason
    assert quality.rows[1].color == FLAG_COLORS["do not use"]
    assert quality.rows[0].figures["spread_mm"] == 0.1
    assert quality.rows[0].figures["visible_share"] is None
    assert quality.overall == {"folding_voxels": 0}
    assert quality.warnings == ("Look at L2.",)


@pytest.mark.parametrize("text", ["", "[]", '{"verdict": "fine"}'])
def test_a_broken_quality_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "quality.json").write_text(text)
    with pytest.raises(InputError, match="register again"):
        read_quality(tmp_path)


def test_an_unknown_flag_looks_like_a_doubt() -> None:
    assert ResultRow("L1", "strange", "").color == FLAG_COLORS["check"]


def test_axes_follow_the_curve_of_the_spine() -> None:
    """Vertebrae on a circle in the sagittal plane, each turned along it, the whole patient turned too."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.3).GetMatrix()).reshape(3, 3)
    angles = np.radians([30, 22, 14, 6])
    frames = [turn @ _about_x(angle) for angle in angles]
    centers = {f"L{i}": turn @ (200 * np.array([0, np.cos(a), np.sin(a)])) for i, a in enumerate(angles)}
    arches = {
        name: center - 15 * frame[:, 1] for (name, center), frame in zip(centers.items(), frames, strict=True)
    }
    for frame, axes in zip(frames, vertebra_axes(centers, arches).values(), strict=True):
        assert np.degrees(np.arccos(np.clip(np.sum(frame * axes, axis=0), -1, 1))).max() < 1.0


def _about_x(angle: float) -> np.ndarray:
    """Right, anterior, superior axes turned about right."""
    return np.array(sitk.Euler3DTransform((0, 0, 0), float(angle), 0, 0).GetMatrix()).reshape(3, 3)


def test_a_cut_bone_is_turned_like_the_whole_ones_beside_it() -> None:
    """A patient turned by 12 degrees about the long axis; the arches of the cut ones are lost."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0, 0, np.radians(12)).GetMatrix()).reshape(3, 3)
    centers = {f"L{i}": turn @ [0.0, 0.5 * i * i, -30.0 * i] for i in range(1, 6)}
    arches = {name: center - turn @ [0.0, 15.0, 0.0] for name, center in centers.items()}
    whole = vertebra_axes(centers, arches)
    lost = {**arches, "L1": arches["L1"] + [9.0, 0, 0], "L4": arches["L4"] + [-12.0, 6.0, 0]}
    assert np.degrees(np.arccos(vertebra_axes(centers, lost)["L1"][:, 0] @ turn[:, 0])) > 20
    mended = vertebra_axes(centers, lost, {"L1", "L4"})
    for name in ("L1", "L4"):
        assert np.allclose(mended[name], whole[name], atol=1e-6)
        assert np.allclose(mended[name].T @ mended[name], np.eye(3), atol=1e-9)


def test_where_all_bones_are_cut_slices_turn_only_about_the_patients_right() -> None:
    centers = {"L4": [-3.4, -22.3, -567.6], "L5": [-2.4, -31.1, -598.6], "S1": [2.3, -50.2, -616.3]}
    arches = {name: np.add(center, [8.0, -20.0, 3.0]) for name, center in centers.items()}
    for axes in vertebra_axes(centers, arches, set(centers)).values():
        assert np.allclose(axes[:, 0], [1, 0, 0])
        assert axes[2, 2] > 0.4


def test_a_single_vertebra_takes_the_axes_of_the_patient() -> None:
    axes = vertebra_axes({"L1": [1, 2, 3]}, {})
    assert np.allclose(axes["L1"], np.eye(3))


@pytest.mark.slow
def test_nothing_heavy_is_imported() -> None:
    code = """
import sys, pkgutil, importlib, SpineCTMRRegistrationLib as panel
for module in pkgutil.walk_packages(panel.__path__, panel.__name__ + "."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:  # widgets need the whole Slicer
        assert error.name.split(".")[0] in ("slicer", "qt", "ctk"), error
print([m for m in ("torch", "onnxruntime", "scipy", "matplotlib.pyplot") if m in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(SpineCTMRRegistrationLib.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr
