"""The discs of a finished registration."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid, Points
from ..geometry.interpolation import values_at
from ..geometry.transforms import map_points
from ..geometry.voxels import array_view
from ..quality.disc_gap import Values
from ..quality.discs import Disc, measure_discs
from ..results.reader import ResultFolder


def result_discs(result: ResultFolder, mr_in_ct: sitk.Image) -> list[Disc]:
    """MR against registered CT and against the rigid start, cranial to caudal.

    Args:
        result: the registration.
        mr_in_ct: the MR on the CT's grid.
    """

    def at_start(points: Points) -> Points:
        return result.start.apply(map_points(result.to_ct, points))

    return measure_discs(mr_values(result, mr_in_ct), result.labels_in_mr, at_start)


def mr_values(result: ResultFolder, mr_in_ct: sitk.Image) -> Values:
    """Intensities of the MR in its own frame, from the MR on the CT's grid."""
    seen, grid = Grid.of(result.labels_in_mr), Grid.of(mr_in_ct)
    array, blend_mm = array_view(mr_in_ct), max(grid.spacing_mm)

    def values(points: Points) -> Points:
        in_ct = map_points(result.to_ct, points.reshape(-1, 3)).reshape(points.shape)
        known = seen.contains(points, blend_mm) & grid.contains(in_ct)
        return np.where(known, values_at(array, grid, in_ct), np.nan)

    return values
