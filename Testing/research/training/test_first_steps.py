"""The example of the documentation that trains in a minute."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from spine_ctmr.research.training.run_log import read_log

DOCS = Path(__file__).resolve().parents[3] / "docs" / "training.md"


@pytest.mark.slow
def test_the_first_example_of_the_documentation_trains(tmp_path: Path) -> None:
    block = re.search(
        r"^```bash\nspine-ctmr (train .*)\n```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert block is not None
    command = [sys.executable, "-m", "spine_ctmr", *block[1].split(), "--progress", "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = tmp_path.iterdir()
    assert len(read_log(run / "steps.csv")) == 20
    assert len(read_log(run / "validation.csv")) == 2
    for name in ("best.pt", "last.pt", "loss.png"):
        assert (run / name).is_file()
