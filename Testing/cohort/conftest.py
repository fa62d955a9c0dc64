from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cohort.start_study import quick_workflow
from spine_ctmr.cohort.engine import Workflow


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes a table of patients whose CT says what is to come of them, and their files."""

    def write(kinds: Mapping[str, str], name: str = "patients.tsv") -> Path:
        lines = ["case\tct\tmr\tvertebrae"]
        for case, kind in kinds.items():
            folder = tmp_path / "data" / case
            folder.mkdir(parents=True, exist_ok=True)
            for file in ("ct", "mr", "labels"):
                path = folder / f"{file}.nii"
                if not path.exists() or path.read_text() != kind:
                    path.write_text(kind)
            lines.append("\t".join([case, *(f"data/{case}/{file}.nii" for file in ("ct", "mr", "labels"))]))
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def quick(tmp_path: Path) -> Callable[..., Workflow]:
    """The workflow of a table, with a stand-in that registers at once."""
    pytest.importorskip("snakemake", reason="snakemake is not installed (extra cohort)")
    return lambda table, profile=None: quick_workflow(table, tmp_path / "study", profile)
