"""A folder with one mask for each vertebra, as TotalSegmentator writes it."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from .case import VertebraLabels
from .joint_labels import JointLabels
from .label_values import whole_numbers
from .reading import read_scan
from .vertebra_names import SACRUM, cranial_to_caudal, vertebra_name, vertebra_number

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def vertebra_masks(folder: Path) -> dict[int, list[Path]]:
    """The files in a folder that are named after a vertebra (`vertebrae_L1.nii.gz`), by VerSe number."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        suffix = next((s for s in _SUFFIXES if path.name.lower().endswith(s)), None)
        stem = path.name[: -len(suffix)] if suffix else ""
        number = None if stem.isdecimal() else vertebra_number(stem)
        if number is not None and path.is_file():
            found.setdefault(number, []).append(path)
    return found


def read_masks(masks: dict[int, list[Path]], folder: Path) -> VertebraLabels:
    """The vertebrae of single masks, in which everything but 0 is the vertebra.

    Args:
        masks: files by VerSe number.
        folder: where they are, for messages.

    Raises:
        InputError: a vertebra has two masks, masks lie on different grids, all are empty or impossible.
    """
    joint: JointLabels | None = None
    warnings: tuple[str, ...] = ()
    for number in cranial_to_caudal(masks):
        if len(masks[number]) > 1 and number != SACRUM:
            names = ", ".join(path.name for path in masks[number])
            raise InputError(
                f"{folder} has {len(masks[number])} masks for {vertebra_name(number)} ({names}); keep one."
            )
        for path in masks[number]:
            scan = read_scan(path)
            joint = joint or JointLabels(Grid.of(scan.image))
            if not Grid.of(scan.image).same_as(joint.grid):
                raise InputError(f"{path} lies on another grid than the masks beside it; export them anew.")
            joint.add(number, whole_numbers(array_view(scan.image), path))
            warnings = warnings or scan.warnings
    if joint is None:
        raise InputError(f"{folder} holds no mask of a vertebra; give files such as vertebrae_L1.nii.gz.")
    return joint.finished(folder, warnings)
