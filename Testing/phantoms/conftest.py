"""A small synthetic pair, and a small patient whose motion is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from spine_ctmr.deformation.deformation import Deformation
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.phantoms.anatomy import Anatomy, make_anatomy
from spine_ctmr.phantoms.motion import (
    MotionOptions,
    global_of,
    random_poses,
    true_deformation,
)
from spine_ctmr.phantoms.patient import Pair, make_pair

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower


@pytest.fixture(scope="session")
def pair() -> Pair:
    """A pair with a coarse start: its bones lie up to 10 mm apart."""
    return make_pair(5, 14, (36, 32, 40), 1.5)


@dataclass(frozen=True)
class Patient:
    """An anatomy, its true poses and deformation, and the deformation's soft part."""

    anatomy: Anatomy
    poses: dict[int, Pose]
    deformation: Deformation
    soft: torch.Tensor


@pytest.fixture(scope="session")
def patient() -> Patient:
    """Two lumbar vertebrae on a 2 mm box."""
    rng = np.random.default_rng(2)
    anatomy = make_anatomy(rng, (21, 22))
    motion = MotionOptions(global_mm=6.0)
    poses = random_poses(rng, anatomy, motion)
    center = global_of(poses, anatomy).apply(anatomy.centers.mean(0) + np.array([0, 16, 0]))
    half = np.array([68.0, 62.0, 58.0])
    box = Grid.around([center - half, center + half], 2.0)
    options = DeformationOptions(spacing_mm=2.0, reach_mm=20.0)
    deformation, soft = true_deformation(rng, anatomy, poses, box, motion, options)
    return Patient(anatomy, poses, deformation, soft)
