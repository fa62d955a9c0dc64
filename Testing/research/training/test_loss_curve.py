"""The picture of a training, also where a loss has hardly begun to count."""

from __future__ import annotations

from pathlib import Path

from spine_ctmr.research.training.loss_curve import draw_loss_curve


def test_a_loss_that_joined_for_the_last_step_does_not_end_the_picture(tmp_path: Path) -> None:
    """Its one value is fewer than the others' running mean takes."""
    rows = [f"{step},{1 / step},{0.5 if step == 100 else ''},0.1" for step in range(1, 101)]
    (tmp_path / "steps.csv").write_text("\n".join(["step,loss,properness,seconds", *rows]))
    (tmp_path / "validation.csv").write_text("step,loss,bone_mm,dice\n50,0.02,,\n100,0.01,,\n")
    assert draw_loss_curve(tmp_path).stat().st_size > 1000
