"""Training on the user's own patients: CT, CT labels and MR, without a known displacement."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ...alignment.label_start import label_start
from ...alignment.start import find_start
from ...errors import InputError
from ...geometry.boxes import labels_in_box
from ...geometry.grid import Grid
from ...geometry.pose import Pose
from ...imaging.case import Case
from ...imaging.read_case import read_case
from ...imaging.resampling import on_grid
from ...progress import Progress, silent
from .batch import Batch, concatenated
from .cropping import make_sample, random_window
from .own_options import OwnDataOptions, divided
from .recipe import Recipe

MARGIN_MM = 24.0
REQUIRED, OPTIONAL = ("ct", "ct_labels", "mr"), ("mr_labels", "mr_landmarks")
_OUTSIDE_HU = -1000.0
_INTERPOLATORS = {"linear": sitk.sitkLinear, "lanczos": sitk.sitkLanczosWindowedSinc}
Notice = Callable[[str], None]


@dataclass(frozen=True)
class Patient:
    """One patient's images on a common grid in the MR frame, the CT brought there by its rigid start.

    Attributes:
        ct: (z, y, x) HU.
        mr: (z, y, x), the scanner's unit.
        seen: (z, y, x), 1 where the MR has a field of view.
        ct_labels: (z, y, x) vertebra numbers in the CT.
        mr_labels: (z, y, x) vertebra numbers in the MR, if known.
    """

    ct: NDArray[Any]
    mr: NDArray[Any]
    seen: NDArray[Any]
    ct_labels: NDArray[Any]
    mr_labels: NDArray[Any] | None


class OwnPatients:
    """Batches of prepared patients, each a pure function of (seed, step).

    Labels of the MR, where known, are for validation and for losses that need them.

    Args:
        training: files of patients to learn from.
        held_out: files of patients for validation.
        recipe: with the crop, batch and seed.
    """

    def __init__(self, training: Sequence[Path], held_out: Sequence[Path], recipe: Recipe) -> None:
        self.training, self.held_out, self.recipe = training, held_out, recipe

    @property
    def description(self) -> str:
        """See `TrainingData`."""
        return f"Own data: {len(self.training)} patients, {len(self.held_out)} held out"

    def sample(self, step: int) -> Batch:
        """The batch of a training step: random crops, mirrored half of the time."""
        rng = np.random.default_rng([self.recipe.seed, step])
        chosen = [self.training[int(rng.integers(len(self.training)))] for _ in range(self.recipe.batch)]
        crops = [self._crop(rng, path, bool(rng.uniform() < 0.5)) for path in chosen]
        if any(crop.fixed_labels is None for crop in crops):
            crops = [replace(crop, fixed_labels=None) for crop in crops]
        return concatenated(crops)

    def validation(self) -> Sequence[Batch]:
        """One crop of each held-out patient."""
        return [
            self._crop(np.random.default_rng([7, i]), path, False) for i, path in enumerate(self.held_out)
        ]

    def _crop(self, rng: np.random.Generator, path: Path, mirrored: bool) -> Batch:
        patient = read_patient(path)
        window = random_window(rng, patient.ct.shape, self.recipe.crop)
        labels = None if patient.mr_labels is None else patient.mr_labels[window]
        return make_sample(
            patient.mr[window],
            patient.ct[window],
            patient.ct_labels[window],
            patient.seen[window],
            mr_labels=labels,
            mirrored=mirrored,
        )


def own_patients(
    recipe: Recipe, data: Path, bank: Path, progress: Progress = silent, notice: Notice = lambda _: None
) -> OwnPatients:
    """The patients in a folder, each prepared once.

    Every patient has a subfolder with `ct`, `ct_labels`, `mr` and, if known, `mr_labels` (for validation and
    the losses that need them) and `mr_landmarks` (for the rigid start): files of any format that
    `spine-ctmr register` reads, or folders of DICOM files. How they are divided: see `OwnDataOptions`.

    Args:
        recipe: with the spacing, crop and `own_data`.
        data: the folder.
        bank: where prepared patients are kept; no name of a patient is written there.
        progress: of the preparation.
        notice: told what the checks of the inputs noticed, and which patients are kept for testing.

    Raises:
        InputError: there are too few patients, or one cannot be used.
    """
    inputs = [_inputs(folder) for folder in sorted(p for p in _listed(data) if p.is_dir())]
    if len(inputs) < 2:
        raise InputError(f"The data folder '{data}' holds {len(inputs)} patients; training needs at least 2.")
    labelled = [i for i, paths in enumerate(inputs) if "mr_labels" in paths]
    division = divided(len(inputs), recipe.own_data, labelled)
    if division.test:
        names = ", ".join(inputs[i]["ct"].parent.name for i in division.test)
        notice(f"Kept for testing, never learned from: {names}.")
    x, y, z = recipe.crop
    folder = bank / f"own-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (*division.training, *division.validation)
    files = {}
    for done, i in enumerate(wanted):
        name = f"patient-{_signature(inputs[i], recipe.own_data)}.npz"
        files[i] = _prepared(inputs[i], folder / name, recipe, notice)
        progress("preparing patients", (done + 1) / len(wanted))
    training, held_out = ([files[i] for i in numbers] for numbers in division[:2])
    return OwnPatients(training, held_out, recipe)


def read_patient(path: Path) -> Patient:
    """A patient that `own_patients` has prepared."""
    with np.load(path) as stored:
        return Patient(**{"mr_labels": None, **stored})


def prepare_patient(case: Case, recipe: Recipe) -> Patient:
    """A case on a grid around its spine, at least as large as the recipe's crop, after the rigid start.

    Raises:
        InputError: the vertebra of `own_data.start_level` is not labelled in CT and MR.
    """
    options, labels = recipe.own_data, case.mr_vertebrae
    if options.start_level and labels is None:
        raise InputError(
            "A rigid start from one vertebra needs 'mr_labels'; add them or set start_level = 0."
        )
    if options.start_level and labels is not None:
        start = label_start(case.vertebrae, labels, options.start_level)
    else:
        start = find_start(case).global_rigid
    grid = _spine_grid(case, start, recipe.spacing_mm, recipe.crop)
    back, interpolator = start.inverse.to_sitk(), _INTERPOLATORS[options.interpolation]
    return Patient(
        ct=on_grid(case.ct, grid, back, _OUTSIDE_HU, interpolator),
        mr=on_grid(case.mr, grid, sitk.Transform(), 0.0, interpolator),
        seen=Grid.of(case.mr).covers(grid).astype(np.uint8),
        ct_labels=labels_in_box(case.vertebrae, start, grid),
        mr_labels=None if labels is None else labels_in_box(labels, Pose.identity(), grid),
    )


def _spine_grid(case: Case, start: Pose, spacing_mm: float, crop: tuple[int, int, int]) -> Grid:
    inside = np.argwhere(sitk.GetArrayViewFromImage(case.vertebrae) > 0)[:, ::-1]
    points = start.apply(Grid.of(case.vertebrae).to_points(inside))
    grid = Grid.around(points, spacing_mm, MARGIN_MM)
    size = np.maximum(grid.size, crop)
    first = (np.array(grid.size) - size) // 2
    return grid.crop(first, size)


def _prepared(paths: dict[str, Path], file: Path, recipe: Recipe, notice: Notice) -> Path:
    if file.exists():
        return file
    case = read_case(
        paths["ct"], paths["mr"], paths["ct_labels"], paths.get("mr_landmarks"), paths.get("mr_labels")
    )
    for sentence in case.warnings:
        notice(sentence)
    patient = prepare_patient(case, recipe)
    arrays = {name: values for name, values in vars(patient).items() if values is not None}
    partial = file.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as stream:
        np.savez(stream, **arrays)
    partial.replace(file)
    return file


def _inputs(folder: Path) -> dict[str, Path]:
    """A patient's inputs by name."""
    found: dict[str, Path] = {}
    for path in sorted(_listed(folder)):
        name = path.name.split(".")[0]
        if name in (*REQUIRED, *OPTIONAL):
            if name in found:
                raise InputError(f"The folder '{folder}' holds more than one '{name}'; keep one of them.")
            found[name] = path
    for name in REQUIRED:
        if name not in found:
            raise InputError(f"The folder '{folder}' holds no '{name}'; every patient needs one.")
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(f"The data folder '{folder}' cannot be read; check the path.") from error


def _signature(paths: dict[str, Path], options: OwnDataOptions) -> str:
    """Changes when an input is changed or replaced, or prepared otherwise."""
    parts = [(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in sorted(paths.items())]
    prepared = options.interpolation, options.start_level
    return hashlib.sha256(repr((parts, prepared)).encode()).hexdigest()[:16]
