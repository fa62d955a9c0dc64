"""Training on the user's own patients: CT, CT labels and MR, without a known displacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
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
from ...geometry.voxels import array_view
from ...imaging.case import Case
from ...imaging.hounsfield import AIR_HU
from ...imaging.read_case import read_case
from ...imaging.reading import read_image
from ...imaging.resampling import on_grid
from ...network.affine_start import affine_by_information
from ...progress import Progress, silent
from .batch import Batch, concatenated, fingerprint
from .cropping import make_sample, random_window
from .loss_functions import NEEDED_FILES
from .own_files import keep_arrays, patient_files, patient_folders, signature
from .own_options import divided
from .recipe import Recipe

MARGIN_MM = 24.0
REQUIRED = ("ct", "ct_labels", "mr")
PAIRED: tuple[str, ...] = ("ct_in_mr", "mr_in_ct")
OPTIONAL = ("mr_labels", "mr_landmarks", *PAIRED)
_INTERPOLATORS = {"linear": sitk.sitkLinear, "lanczos": sitk.sitkLanczosWindowedSinc}
Notice = Callable[[str], None]


@dataclass(frozen=True)
class OwnPatient:
    """One patient's images on a common grid in the MR frame, the CT brought there by its rigid start.

    Attributes:
        ct: (z, y, x) HU.
        mr: (z, y, x), the scanner's unit.
        seen: (z, y, x), 1 where the MR has a field of view.
        ct_labels: (z, y, x) vertebra numbers in the CT.
        mr_labels: (z, y, x) vertebra numbers in the MR, if known.
        ct_in_mr: (z, y, x) HU, the CT of a pre-aligned pair in the MR's frame, if there is one.
        mr_in_ct: (z, y, x), its MR in the CT's frame, brought here as `ct` is.
    """

    ct: NDArray[Any]
    mr: NDArray[Any]
    seen: NDArray[Any]
    ct_labels: NDArray[Any]
    mr_labels: NDArray[Any] | None = None
    ct_in_mr: NDArray[Any] | None = None
    mr_in_ct: NDArray[Any] | None = None


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

    @property
    def patients(self) -> str:
        """See `TrainingData`."""
        return fingerprint(*([file.name for file in part] for part in (self.training, self.held_out)))

    def sample(self, step: int) -> Batch:
        """The batch of a training step: random crops, mirrored half of the time."""
        rng = np.random.default_rng([self.recipe.seed, step])
        chosen = [self.training[int(rng.integers(len(self.training)))] for _ in range(self.recipe.batch)]
        return concatenated(_alike([self._crop(rng, path, bool(rng.uniform() < 0.5)) for path in chosen]))

    def validation(self) -> Sequence[Batch]:
        """One crop of each held-out patient."""
        return [
            self._crop(np.random.default_rng([7, i]), path, False) for i, path in enumerate(self.held_out)
        ]

    def _crop(self, rng: np.random.Generator, path: Path, mirrored: bool) -> Batch:
        patient = read_patient(path)
        window = random_window(rng, patient.ct.shape, self.recipe.crop)
        parts = {name: values[window] for name, values in vars(patient).items() if values is not None}
        return make_sample(**parts, mirrored=mirrored)


def _alike(crops: Sequence[Batch]) -> list[Batch]:
    """The crops without what not all of them have."""
    absent = {f.name for f in fields(Batch) if any(getattr(crop, f.name) is None for crop in crops)}
    nothing: dict[str, Any] = dict.fromkeys(absent)
    return [replace(crop, **nothing) for crop in crops]


def own_patients(
    recipe: Recipe, data: Path, bank: Path, progress: Progress = silent, notice: Notice = lambda _: None
) -> OwnPatients:
    """The patients in a folder, each prepared once.

    Every patient has a subfolder with `ct`, `ct_labels`, `mr` and, if known, `mr_labels` (for validation and
    the losses that need them) and `mr_landmarks` (for the rigid start): files of any format that
    `spine-ctmr register` reads, or folders of DICOM files. Pre-aligned pairs (Cao et al. 2018) are a
    `ct_in_mr` and an `mr_in_ct`, such as `spine-ctmr register` writes. How patients are divided: see
    `OwnDataOptions`.

    Args:
        recipe: with the spacing, crop and `own_data`.
        data: the folder.
        bank: where prepared patients are kept; no name of a patient is written there.
        progress: of the preparation.
        notice: told what the checks of the inputs noticed, and which patients are kept for testing.

    Raises:
        InputError: there are too few patients, or one cannot be used or lacks what a loss needs.
    """
    inputs = [patient_files(folder, REQUIRED, OPTIONAL) for folder in patient_folders(data)]
    labelled = [i for i, paths in enumerate(inputs) if "mr_labels" in paths]
    division = divided(len(inputs), recipe.own_data, labelled)
    if division.test:
        names = ", ".join(inputs[i]["ct"].parent.name for i in division.test)
        notice(f"Kept for testing, never learned from: {names}.")
    wanted = (*division.training, *division.validation)
    _require_inputs(recipe, [inputs[i] for i in wanted])
    x, y, z = recipe.crop
    folder = bank / f"own-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for done, i in enumerate(wanted):
        options = recipe.own_data
        prepared = options.interpolation, options.start_level, options.affine
        name = f"patient-{signature(inputs[i], *prepared)}.npz"
        files[i] = _prepared(inputs[i], folder / name, recipe, notice)
        progress("preparing patients", (done + 1) / len(wanted))
    training, held_out = ([files[i] for i in numbers] for numbers in division[:2])
    return OwnPatients(training, held_out, recipe)


def read_patient(path: Path) -> OwnPatient:
    """A patient that `own_patients` has prepared."""
    with np.load(path) as stored:
        return OwnPatient(**stored)


def prepare_patient(case: Case, recipe: Recipe, paired: Mapping[str, sitk.Image] | None = None) -> OwnPatient:
    """A case on a grid around its spine, at least as large as the recipe's crop, after its start.

    Args:
        case: checked inputs.
        recipe: with the spacing, crop and `own_data`.
        paired: images "ct_in_mr" and "mr_in_ct" of a pre-aligned pair, if there is one.

    Raises:
        InputError: the vertebra of `own_data.start_level` is not labelled in CT and MR.
    """
    options, labels, paired = recipe.own_data, case.mr_vertebrae, paired or {}
    start = _rigid_start(case, options.start_level)
    grid = _spine_grid(case, start, recipe.spacing_mm, recipe.crop)
    interpolator = _INTERPOLATORS[options.interpolation]
    mr = on_grid(case.mr, grid, sitk.Transform(), 0.0, interpolator)
    seen = Grid.of(case.mr).covers(grid).astype(np.uint8)
    back: sitk.Transform = start.inverse.to_sitk()
    if options.affine:
        ct = on_grid(case.ct, grid, back, AIR_HU)
        back = sitk.CompositeTransform([back, _affine(mr, ct, seen, grid)])
    still, air = sitk.Transform(), AIR_HU
    places = {"ct_in_mr": (still, air), "mr_in_ct": (back, 0.0)}
    return OwnPatient(
        ct=on_grid(case.ct, grid, back, air, interpolator),
        mr=mr,
        seen=seen,
        ct_labels=on_grid(case.vertebrae, grid, back, 0.0, sitk.sitkNearestNeighbor).astype(np.uint8),
        mr_labels=None if labels is None else labels_in_box(labels, Pose.identity(), grid),
        **{name: on_grid(image, grid, *places[name], interpolator) for name, image in paired.items()},
    )


def _rigid_start(case: Case, level: int) -> Pose:
    """CT→MR, from the labels of one vertebra or, with level 0, as registrations start."""
    if level and case.mr_vertebrae is None:
        raise InputError(
            "A rigid start from one vertebra needs 'mr_labels'; add them or set start_level = 0."
        )
    if level and case.mr_vertebrae is not None:
        return label_start(case.vertebrae, case.mr_vertebrae, level)
    return find_start(case).global_rigid


def _affine(mr: NDArray[Any], ct: NDArray[Any], seen: NDArray[Any], grid: Grid) -> sitk.AffineTransform:
    """The affine map of two images on a grid along the LPS axes, as a transform of LPS points."""
    matrix = affine_by_information(mr, ct, grid.spacing_mm[0], seen)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetCenter(grid.origin_mm)
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def _spine_grid(case: Case, start: Pose, spacing_mm: float, crop: tuple[int, int, int]) -> Grid:
    inside = np.argwhere(array_view(case.vertebrae) > 0)[:, ::-1]
    points = start.apply(Grid.of(case.vertebrae).to_points(inside))
    grid = Grid.around(points, spacing_mm, MARGIN_MM)
    size = np.maximum(grid.size, crop)
    first = (np.array(grid.size) - size) // 2
    return grid.crop(first, size)


def _require_inputs(recipe: Recipe, patients: Sequence[Mapping[str, Path]]) -> None:
    for loss in (*recipe.loss, *recipe.rigidity):
        needed = NEEDED_FILES.get(loss)
        for paths in patients:
            if needed is not None and needed not in paths:
                raise InputError(
                    f"The folder '{paths['ct'].parent}' holds no '{needed}', which the loss '{loss}' needs; "
                    "add it, leave out this patient, or choose another recipe."
                )


def _prepared(paths: dict[str, Path], file: Path, recipe: Recipe, notice: Notice) -> Path:
    if file.exists():
        return file
    case = read_case(
        paths["ct"], paths["mr"], paths["ct_labels"], paths.get("mr_landmarks"), paths.get("mr_labels")
    )
    for sentence in case.warnings:
        notice(sentence)
    paired = {name: read_image(paths[name]) for name in PAIRED if name in paths}
    patient = prepare_patient(case, recipe, paired)
    keep_arrays(file, {name: values for name, values in vars(patient).items() if values is not None})
    return file
