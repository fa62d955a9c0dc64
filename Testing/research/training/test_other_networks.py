"""The trainer takes networks of other kinds: displacements, affine stages, cut margins, batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from spine_ctmr.network import kinds
from spine_ctmr.network.motion import Motion, RegistrationNetwork
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.recipe import recipe_of
from spine_ctmr.research.training.trainer import train

from .toy import RECIPE, Translations

torch.set_num_threads(1)


@dataclass(frozen=True)
class PatchOptions:
    kind: ClassVar[str] = "patch"
    sides: ClassVar[str] = "12 or more voxels"
    channels: int = 4

    def takes(self, side: int) -> bool:
        return side >= 12

    def build(self) -> PatchNetwork:
        return PatchNetwork(self.channels)


class PatchNetwork(RegistrationNetwork):
    """Unpadded convolutions with batch normalisation, and a global translation as its affine stage."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = torch.nn.Conv3d(2, channels, 3)
        self.norm = torch.nn.BatchNorm3d(channels)
        self.last = torch.nn.Conv3d(channels, 3, 3)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.norm(self.first(images)).relu()
        local = self.last(features)
        return local, local.mean((2, 3, 4), keepdim=True)

    def motion(self, output: tuple[torch.Tensor, torch.Tensor], spacing_mm: float) -> Motion:
        local, whole = output
        return Motion(local + whole, affine=whole.expand_as(local), margin=2)


@pytest.fixture(autouse=True)
def patch_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.NETWORKS, "patch", PatchOptions)


LOSSES = {"displacement": 1.0, "smoothness": 0.1, "mind": 0.1, "dice": 0.1, "properness": 0.1}


@pytest.mark.slow
def test_patch_network_trains_validates_and_resumes_exactly(tmp_path: Path) -> None:
    network = {"kind": "patch", "channels": 3}
    recipe = recipe_of({**RECIPE.to_dict(), "network": network, "loss": LOSSES})
    train(recipe, tmp_path / "straight", Translations())

    class Killed(Translations):
        def sample(self, step: int) -> Batch:
            if step == 5:
                raise KeyboardInterrupt
            return super().sample(step)

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "killed", Killed())
    train(recipe, tmp_path / "killed", Translations(), resume=True)
    for file in ("last.pt", "best.pt"):
        straight, killed = (load_state(tmp_path / run / file) for run in ("straight", "killed"))
        for part in {"model", "average", "weights"} & set(straight):
            assert "norm.running_mean" in straight[part]
            assert all(torch.equal(straight[part][name], killed[part][name]) for name in straight[part])
