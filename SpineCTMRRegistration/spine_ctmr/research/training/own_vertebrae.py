"""Pairs of single vertebrae from the user's own CTs (Gao and Zheng 2022, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...geometry.grid import Grid
from ...imaging.reading import read_image
from ...imaging.resampling import on_grid
from ...imaging.segmentation import read_vertebrae
from ...imaging.vertebra_names import vertebra_list
from ...phantoms.single_vertebra import SingleVertebra, write_vertebra
from ...progress import Progress, silent
from .own_files import patient_files, patient_folders, signature
from .own_options import divided
from .recipe import Recipe
from .vertebra_options import VertebraOptions
from .vertebra_pairs import VertebraPairs

INPUTS = ("ct", "ct_labels")
FEWEST = 2
"""Subjects with a vertebra of the level, to learn from as well as held out."""


def own_vertebra_pairs(
    recipe: Recipe,
    data: Path,
    bank: Path,
    progress: Progress = silent,
    notice: Callable[[str], object] = lambda _: None,
) -> VertebraPairs:
    """Pairs of the recipe's levels from CTs with vertebra labels.

    Every subject has a subfolder with `ct` and `ct_labels`. Vertebrae that the CT cuts are left out. Held out
    are as many subjects as `own_data.validation_share` says, in every level.

    Args:
        recipe: with the table [vertebrae], the crop and spacing.
        data: the folder.
        bank: where the vertebrae are kept; no name of a subject is written there.
        progress: of the preparation.
        notice: told which levels have too few subjects.

    Raises:
        InputError: there are too few subjects, or one cannot be used.
    """
    options = recipe.vertebrae or VertebraOptions()
    x, y, z = recipe.crop
    folder = bank / f"own-vertebrae-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    folder.mkdir(parents=True, exist_ok=True)
    subjects = patient_folders(data)
    files = []
    for done, subject in enumerate(subjects):
        files.append(_kept(patient_files(subject, INPUTS, ()), folder, recipe))
        progress("preparing vertebrae", (done + 1) / len(subjects))
    division = divided(len(subjects), recipe.own_data, range(len(subjects)))
    parts = [
        {level: [files[k][level] for k in sorted(numbers) if level in files[k]] for level in options.levels}
        for numbers in (division.training, division.validation)
    ]
    usable = [n for n in options.levels if all(len(part[n]) >= FEWEST for part in parts)]
    if left_out := [n for n in options.levels if n not in usable]:
        notice(f"Left out, because fewer than {FEWEST} subjects show them whole: {vertebra_list(left_out)}.")
    if not usable:
        raise InputError(
            f"The data folder '{data}' holds no level of which {FEWEST} subjects to learn from and {FEWEST} "
            "held out show a whole vertebra; add CTs or raise own_data.validation_share."
        )
    training, held_out = ({level: part[level] for level in usable} for part in parts)
    return VertebraPairs(training, held_out, options.pairs, "own CTs", recipe.batch, recipe.seed)


def _kept(paths: dict[str, Path], folder: Path, recipe: Recipe) -> dict[int, Path]:
    """Files of a subject's whole vertebrae by level, prepared once."""
    name = signature(paths)
    complete = folder / f"subject-{name}.complete"
    if not complete.exists():
        for level, vertebra in whole_vertebrae(paths["ct"], paths["ct_labels"], recipe).items():
            write_vertebra(folder / f"subject-{name}-{level:02d}.npz", vertebra)
        complete.touch()
    return {int(path.stem[-2:]): path for path in sorted(folder.glob(f"subject-{name}-*.npz"))}


def whole_vertebrae(ct: Path, labels: Path, recipe: Recipe) -> dict[int, SingleVertebra]:
    """The vertebrae that touch no border of their image, each around its centroid along left, posterior,
    superior, by VerSe number.

    Raises:
        InputError: a file is unreadable or unfit.
    """
    image, numbers = read_image(ct), read_vertebrae(labels).image
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(numbers)
    found = {}
    for level in shapes.GetLabels():
        box = np.array(shapes.GetBoundingBox(level))
        if (box[:3] > 0).all() and (box[:3] + box[3:] < numbers.GetSize()).all():
            grid = _around(shapes.GetCentroid(level), recipe)
            bone = on_grid(numbers == level, grid, sitk.Transform(), 0.0, sitk.sitkNearestNeighbor) > 0
            values = on_grid(image, grid, sitk.Transform(), 0.0)
            found[int(level)] = SingleVertebra(np.where(bone, values, 0).astype(np.float32), bone)
    return found


def _around(center: tuple[float, ...], recipe: Recipe) -> Grid:
    size = np.array(recipe.crop)
    x, y, z = (float(v) for v in np.array(center) - (size - 1) / 2 * recipe.spacing_mm)
    return Grid(recipe.crop, (recipe.spacing_mm,) * 3, (x, y, z))
