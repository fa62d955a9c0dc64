"""Two processes that share the steps learn what one process learns from batches of two."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.research.training.batch import Batch, concatenated
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.run_log import read_log
from spine_ctmr.research.training.trainer import train

from .toy import PLAIN, Translations


class InTwos:
    """The samples that two processes see in one step, as one batch."""

    description = "Pairs of random blobs"
    patients = "those"

    def sample(self, step: int) -> Batch:
        return concatenated([Translations().sample(2 * step + rank) for rank in (0, 1)])

    def validation(self) -> Sequence[Batch]:
        return Translations().validation()


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_batch(tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = [str(Path(__file__).with_name("two_processes.py")), str(tmp_path / "two")]
    subprocess.run([*launcher, *script], check=True, timeout=120, capture_output=True)
    train(PLAIN, tmp_path / "one", InTwos())
    two, one = load_state(tmp_path / "two" / "last.pt"), load_state(tmp_path / "one" / "last.pt")
    for name, value in one["model"].items():
        torch.testing.assert_close(two["model"][name], value, atol=1e-6, rtol=1e-4)
    losses = [[float(row["loss"]) for row in read_log(tmp_path / k / "steps.csv")] for k in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    with pytest.raises(InputError, match="trained by 2 processes"):
        train(PLAIN, tmp_path / "two", Translations(), resume=True)
