"""Every written file against the standard, as an independent validator sees it."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from .validator import errors_of, require_validator


@pytest.fixture(scope="module", autouse=True)
def _validator() -> None:
    require_validator()


def test_no_file_breaks_the_standard(exported: Path) -> None:
    files = sorted(exported.rglob("*.dcm"))
    assert {path.name for path in files} >= {"rigid_ct_to_mr.dcm", "0001.dcm", "vertebrae_in_mr.dcm"}
    assert [error for path in files for error in errors_of(path)] == []


def test_the_validator_sees_a_broken_file(exported: Path, tmp_path: Path) -> None:
    data = pydicom.dcmread(exported / "registration" / "rigid_ct_to_mr.dcm")
    del data.RegistrationSequence[1].MatrixRegistrationSequence
    data.save_as(tmp_path / "broken.dcm")
    assert errors_of(tmp_path / "broken.dcm")
