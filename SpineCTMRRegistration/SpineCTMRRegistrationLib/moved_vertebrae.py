"""The vertebrae of the CT where a result puts them in the MR: label maps, surfaces and axes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.imaging.vertebra_names import vertebra_number

from .label_images import label_image, move_image, oriented_image, voxel_centers
from .result_files import ResultFiles
from .segments import BINARY_LABELMAP, CLOSED_SURFACE, Look, bone_segment, vertebra_of
from .source_vertebrae import SourceVertebrae
from .vertebra_axes import vertebra_axes

UNKNOWN_COLOR = (0.9, 0.8, 0.6)
LARGEST_CUT_MM2 = 25.0
"""Bone at the end of an image up to this area is a tip; beyond it, the bone counts as cut."""


@dataclass(frozen=True)
class MovedVertebrae:
    """The vertebrae in the MR, RAS mm.

    Attributes:
        segmentation: a segment for each, with its label map and its closed surface.
        surfaces: by vertebra name.
        axes: right, anterior and superior axes as columns (3, 3), by vertebra name.
    """

    segmentation: slicer.vtkSegmentation
    surfaces: Mapping[str, vtk.vtkPolyData]
    axes: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class _Bone:
    """One bone.

    Attributes:
        image: 1 in bone, RAS mm of the world.
        look: name, colour and vertebra.
        motion: (4, 4) from where the image shows the bone to the MR.
        grid: matrix from voxels to RAS mm (4, 4) and voxels along i, j, k of the image that may cut it.
    """

    image: slicer.vtkOrientedImageData
    look: Look
    motion: NDArray[Any]
    grid: tuple[NDArray[Any], tuple[int, int, int]] | None


def moving_steps(files: ResultFiles, source: SourceVertebrae) -> Generator[None, None, MovedVertebrae]:
    """Move the vertebrae, one in each step, so that a window can live meanwhile.

    The source's own voxels are moved where it has them, so that nothing is resampled: they are finer than
    the label map on the MR's grid, and not cut by its end. Names and colours are those of its segments.
    """
    segmentation = slicer.vtkSegmentation()
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    centroids, cut = {}, set()
    for segment_id, bone in _bones(files, source):
        points = voxel_centers(bone.image)
        if len(points):
            centroids[bone.look.vertebra] = bone.motion[:3, :3] @ points.mean(axis=0) + bone.motion[:3, 3]
        if bone.grid is not None and _cut_area_mm2(points, *bone.grid) > LARGEST_CUT_MM2:
            cut.add(bone.look.vertebra)
        move_image(bone.image, bone.motion)
        free = segmentation.GenerateUniqueSegmentID(segment_id)
        segmentation.AddSegment(bone_segment(bone.look, bone.image), free)
        yield
    centers = {name: pose.center for name, pose in files.poses.items()}
    axes = vertebra_axes(centers, centroids, cut)
    return MovedVertebrae(segmentation, _surfaces(segmentation), axes)


def _bones(files: ResultFiles, source: SourceVertebrae) -> Iterator[tuple[str, _Bone]]:
    """Bones of the source by the identifier of their segment, then those it has no label map of."""
    known = set()
    for name, row, image in source.bones(files.poses):
        known.add(name)
        look = Look(name, row.name, row.color)
        yield row.segment_id, _Bone(image, look, files.poses[name].ct_to_mr, source.ct_grid)
    labels = oriented_image(files.labels, np.eye(4))
    grid = _grid_of(files.labels, np.eye(4))
    for name in files.poses:
        if name not in known:
            image = label_image(labels, vertebra_number(name) or 0)
            yield name, _Bone(image, Look(name, name, UNKNOWN_COLOR), np.eye(4), grid)


def _grid_of(
    volume: slicer.vtkMRMLScalarVolumeNode, to_world: NDArray[Any]
) -> tuple[NDArray[Any], tuple[int, int, int]]:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return to_world @ slicer.util.arrayFromVTKMatrix(matrix), volume.GetImageData().GetDimensions()


def _cut_area_mm2(points: NDArray[Any], ijk_to_ras: NDArray[Any], size: tuple[int, int, int]) -> float:
    """The largest area that a bone, points (n, 3) in RAS mm, fills of an image's first or last layer."""
    to_ijk = np.linalg.inv(ijk_to_ras)
    voxels = np.unique(np.round(points @ to_ijk[:3, :3].T + to_ijk[:3, 3]), axis=0)
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    ends = np.stack([(voxels <= 0).sum(axis=0), (voxels >= np.array(size) - 1).sum(axis=0)])
    return float((ends * spacing.prod() / spacing).max())


def _surfaces(segmentation: slicer.vtkSegmentation) -> dict[str, vtk.vtkPolyData]:
    """Closed surfaces by vertebra; those of a bone with several segments as one."""
    parts: dict[str, list[vtk.vtkPolyData]] = {}
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        parts.setdefault(vertebra_of(segment), []).append(segment.GetRepresentation(CLOSED_SURFACE))
    return {name: _together(surfaces) for name, surfaces in parts.items()}


def _together(surfaces: list[vtk.vtkPolyData]) -> vtk.vtkPolyData:
    if len(surfaces) == 1:
        return surfaces[0]
    both = vtk.vtkAppendPolyData()
    for surface in surfaces:
        both.AddInputData(surface)
    both.Update()
    return both.GetOutput()
