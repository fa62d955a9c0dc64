"""Soft tissue and deformation stay on the device that they were given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from pretended_gpu import GPU, PretendedGpu
from spine_ctmr.deformation import body
from spine_ctmr.deformation.body import deform
from spine_ctmr.deformation.deformation import Deformation
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.deformation.soft_tissue import SoftTissueOptions
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.process.device import Processor
from spine_ctmr.process.threads import limited

pytestmark = pytest.mark.slow
POSES = {
    20: Pose.from_rotation([0.05, 0, 0.04], [1.5, 0, 0]),
    21: Pose.from_rotation([-0.05, 0, 0], [0, 1, 0.5]),
}
HEAVY = {"grid_sampler_3d", "upsample_trilinear3d", "bincount", "pow", "exp", "_linalg_solve_ex", "floor"}


@pytest.fixture(scope="module")
def case() -> Case:
    """Two blocks of bone 4 mm apart in textured tissue."""
    grid = Grid.around(np.array([[-45.0, -45, -55], [45, 45, 55]]), 3.0)
    points, rng = grid.points(), np.random.default_rng(0)
    labels = np.zeros(grid.shape, np.uint8)
    for number, height in ((20, 14), (21, -14)):
        labels[(np.abs(points - [0, 0, height]) <= [16, 16, 12]).all(-1)] = number
    tissue = 60 * np.sin(points / 7).prod(-1) + rng.normal(0, 4, grid.shape)
    ct = np.where(labels > 0, 500, tissue).astype(np.float32)
    mr = np.where(labels > 0, 40, 300 - np.roll(tissue, 1, 2)).astype(np.float32)
    return Case(grid.image(ct), grid.image(mr), sitk.Cast(grid.image(labels), sitk.sitkUInt8))


def _deformed(
    case: Case, device: str, notices: list[str], memory_bytes: float = float("inf")
) -> tuple[Deformation, PretendedGpu]:
    settings = DeformationOptions(3.0, 30.0, resolution_mm=1 / 256), SoftTissueOptions(steps=2, points=3000)
    processor = Processor(device, notices.append)
    with limited(1), PretendedGpu(memory_bytes) as gpu:
        return deform(case, POSES, *settings, 0, lambda *_: None, [], processor), gpu


@pytest.fixture(scope="module")
def here(case: Case) -> Deformation:
    """Without a GPU."""
    return _deformed(case, "cpu", [])[0]


def _same(a: Deformation, b: Deformation) -> bool:
    fields = ((a.mr_to_ct_field, b.mr_to_ct_field), (a.ct_to_mr_field, b.ct_to_mr_field))
    return all(np.array_equal(x, y) for x, y in fields) and (a.contact, a.overlap) == (b.contact, b.overlap)


def test_deformation_stays_on_its_device(case: Case, here: Deformation) -> None:
    notices: list[str] = []
    there, gpu = _deformed(case, GPU.type, notices)
    assert _same(there, here)
    assert np.abs(here.mr_to_ct_field).max() > 1
    assert gpu.done >= HEAVY
    assert not gpu.done_beside & HEAVY
    assert notices == []


@pytest.mark.parametrize("stage", ["soft_motion", "build_deformation"])
def test_a_full_gpu_leaves_one_stage_to_the_cpu(
    case: Case, here: Deformation, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: list[str] = []
    notices: list[str] = []
    _fails_on_gpu(monkeypatch, stage, devices)
    assert _same(_deformed(case, GPU.type, notices)[0], here)
    assert devices == [GPU.type, "cpu"]
    name = {"soft_motion": "the soft tissue", "build_deformation": "the deformation"}[stage]
    assert notices == [f"The GPU has too little free memory for {name}, which ran on the CPU instead."]


def _fails_on_gpu(monkeypatch: pytest.MonkeyPatch, stage: str, devices: list[str]) -> None:
    """A stage that finds the memory of the GPU full, and tells where it was tried."""
    work: Callable[..., object] = getattr(body, stage)

    def full(*arguments: object, **named: object) -> object:
        tensor = arguments[0] if stage == "soft_motion" else arguments[-1]
        devices.append(tensor.device.type)  # type: ignore[attr-defined]
        if devices[-1] != "cpu":
            raise RuntimeError("CUDA error: out of memory")
        return work(*arguments, **named)

    monkeypatch.setattr(body, stage, full)
