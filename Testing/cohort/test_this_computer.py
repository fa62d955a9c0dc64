"""Memory for patients side by side, where a container or a batch job has less than the computer."""

from __future__ import annotations

from pathlib import Path

import pytest
from spine_ctmr.cohort import this_computer

GB = 10**9


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    psutil = pytest.importorskip("psutil", reason="comes with the extra 'cohort'")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"total": 64 * GB}))
    monkeypatch.setattr(this_computer, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(this_computer, "OWN_GROUPS", tmp_path / "own")
    return tmp_path


def limit(path: Path, value: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value + "\n")


def test_without_groups_it_is_the_computers(groups: Path) -> None:
    assert this_computer.shared_memory_mb() == 57_600


def test_a_batch_job_has_its_own(groups: Path) -> None:
    """As SLURM makes it: the job is limited, the step within it is not."""
    (groups / "own").write_text("0::/system.slice/job_7/step_0\n")
    limit(groups / "groups/system.slice/job_7/memory.max", str(8 * GB))
    limit(groups / "groups/system.slice/job_7/step_0/memory.max", "max")
    assert this_computer.shared_memory_mb() == 7_200


def test_a_container_of_version_1(groups: Path) -> None:
    (groups / "own").write_text("5:cpu:/docker/a\n4:memory:/docker/a\n0::/\n")
    limit(groups / "groups/memory/memory.limit_in_bytes", str(4 * GB))
    limit(groups / "groups/cpu/docker/a/memory.limit_in_bytes", str(1 * GB))
    assert this_computer.shared_memory_mb() == 3_600
