"""CT of one vertebra of a synthetic subject, everything else removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..imaging.hounsfield import STORED_HU
from ..imaging.vertebra_names import SACRUM
from ..process.whole_file import whole_file
from .anatomy import Anatomy, make_anatomy
from .rendering import bone_labels, contrast_table, render
from .tissue import ct_contrast

_SEARCH_MM, _SEARCH_STEP_MM = 160.0, 4.0


@dataclass(frozen=True)
class SingleVertebra:
    """A vertebra on a grid around its bone's centroid.

    Attributes:
        ct: (z, y, x) HU; 0 outside the bone.
        bone: (z, y, x), true in the vertebra.
    """

    ct: NDArray[Any]
    bone: NDArray[Any]


def make_vertebra_crop(
    seed: int, subject: int, level: int, size: tuple[int, int, int], spacing_mm: float
) -> SingleVertebra:
    """The vertebra of a subject: a pure function of its arguments.

    The subjects differ in size, shape, wear, bone density and posture.

    Args:
        seed: of the subjects.
        subject: number of the subject; its vertebrae belong to one anatomy.
        level: VerSe number, 1 to 24.
        size: voxels (x, y, z).
        spacing_mm: of the isotropic grid along left, posterior and superior.
    """
    rng = np.random.default_rng([seed, subject])
    numbers = range(max(level - 1, 1), min(level + 1, 24) + 1) if level < 18 else (*range(17, 25), SACRUM)
    anatomy = make_anatomy(rng, tuple(numbers))
    table = contrast_table([ct_contrast(rng)])
    points = _grid(_bone_center(anatomy, level), size, spacing_mm)
    bone = bone_labels(anatomy, points, only=level) == level
    ct = torch.zeros(len(points))
    ct[bone] = render(anatomy, points[bone], table, spacing_mm)[0][:, 0]
    noise = np.random.default_rng([seed, subject, level])
    ct[bone] += torch.tensor(noise.normal(0, noise.uniform(5, 30), int(bone.sum())), dtype=torch.float32)
    shape = size[::-1]
    return SingleVertebra(ct.clamp(*STORED_HU).reshape(shape).numpy(), bone.reshape(shape).numpy())


def stored_vertebra(
    bank: Path, seed: int, subject: int, level: int, size: tuple[int, int, int], spacing_mm: float
) -> Path:
    """The file of such a vertebra in a folder, made where it is missing; see `read_vertebra`."""
    path = bank / f"vertebra-{seed}-{subject:03d}-{level:02d}.npz"
    if not path.exists():
        bank.mkdir(parents=True, exist_ok=True)
        write_vertebra(path, make_vertebra_crop(seed, subject, level, size, spacing_mm))
    return path


def write_vertebra(path: Path, vertebra: SingleVertebra) -> None:
    """Keep a vertebra, in whole HU; the file appears when it is complete."""
    with whole_file(path) as stream:
        np.savez_compressed(stream, ct=vertebra.ct.astype(np.int16), bone=vertebra.bone)


def read_vertebra(path: Path) -> SingleVertebra:
    """A vertebra that `write_vertebra` has kept."""
    with np.load(path) as stored:
        return SingleVertebra(stored["ct"].astype(np.float32), stored["bone"])


def _bone_center(anatomy: Anatomy, level: int) -> NDArray[Any]:
    """Centroid of the bone in LPS mm, from a coarse grid."""
    side = int(_SEARCH_MM / _SEARCH_STEP_MM)
    points = _grid(anatomy.centers[anatomy.numbers.index(level)], (side, side, side), _SEARCH_STEP_MM)
    return np.asarray(points[bone_labels(anatomy, points, only=level) == level].double().mean(0))


def _grid(center: NDArray[Any], size: tuple[int, int, int], spacing_mm: float) -> torch.Tensor:
    """Points (n, 3) in LPS mm of a grid (x, y, z) around a centre, x running fastest."""
    axes = [c + (torch.arange(n) - (n - 1) / 2) * spacing_mm for c, n in zip(center, size, strict=True)]
    z, y, x = torch.meshgrid(*reversed(axes), indexing="ij")
    return torch.stack([x, y, z], -1).reshape(-1, 3).float()
