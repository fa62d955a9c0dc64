"""Register the CT and the MR of one spine: reads like the method."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from .alignment import rigid
from .alignment.start import Start, find_start
from .deformation.bones import Bone, distance_from_bones, labels_in_box, make_bones
from .deformation.deformation import Deformation, bone_motion, build_deformation, compose, spine_box
from .deformation.inversion import sample_vectors
from .deformation.options import DeformationOptions
from .deformation.polyrigid import node_coordinates
from .deformation.soft_tissue import disagreement, soft_motion
from .imaging.case import Case
from .imaging.grid import Grid
from .network.prediction import on_grid, poses_from_displacement, predict_displacement
from .network.runtime import LoadedNetwork, load_network
from .options import LARGEST_FIELD_VOXELS
from .options import RegistrationOptions as RegistrationOptions
from .progress import Progress, silent
from .vertebrae.distinctness import match_ratios
from .vertebrae.level_check import LevelShift, best_shift
from .vertebrae.refinement import VertebraPose, refine_poses
from .vertebrae.scene import make_scene

MATCHING_SPACING_MM = 1.0
MATCHING_MARGIN_MM = 14.0
NETWORK_MARGIN_MM = 24.0
SURE_REACH_MM = 3.0
"""Where the network moves the spine further, it looks once more from there; its matches end at 12 mm."""
WINDOW_MM = 14.0
"""Over this distance the soft-tissue motion fades to zero at the end of the box and of what the MR shows."""
PRIOR_SUPPORT = 0.9
"""The network's soft-tissue motion is used if it lowers the images' disagreement to this share."""


@dataclass
class RegistrationResult:
    """A registered case.

    Attributes:
        case: the inputs.
        options: what was asked for.
        start: the rigid start.
        network: the network that was used.
        network_poses: CT→MR poses in LPS mm that the network alone gives.
        vertebrae: refined poses by VerSe number, with what speaks for them.
        shift: how well the spine fits one level beside; None where that cannot be judged.
        deformation: both directions of the transform.
        notes: what a user should know, one sentence each.
        seconds: time spent in each stage.
    """

    case: Case
    options: RegistrationOptions
    start: Start
    network: LoadedNetwork
    network_poses: Mapping[int, rigid.Rigid]
    vertebrae: Mapping[int, VertebraPose]
    shift: LevelShift | None
    deformation: Deformation
    notes: list[str]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundPoses:
    """The rigid part of a `RegistrationResult`; see there."""

    start: Start
    network: LoadedNetwork
    network_poses: Mapping[int, rigid.Rigid]
    vertebrae: Mapping[int, VertebraPose]
    shift: LevelShift | None


class _Stages:
    """Reports progress and keeps the time of every stage."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self._name, self._since = "", time.perf_counter()

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = round(now - self._since, 3)
        self._name, self._since = stage, now
        self.progress(stage, fraction)


def register(
    case: Case, options: RegistrationOptions | None = None, progress: Progress = silent
) -> RegistrationResult:
    """Find the transforms between the CT and the MR of a spine.

    Args:
        case: checked inputs (`read_case`).
        options: what the user chose.
        progress: told the stage and the share done.

    Raises:
        InputError: the case cannot be registered, or the network file or device cannot be used.
    """
    options = options or RegistrationOptions()
    if options.threads:
        torch.set_num_threads(options.threads)
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    notes = list(case.warnings)
    stage = _Stages(progress)
    found = find_poses(case, options, stage, notes)
    stage("soft tissue", 0.6)
    deformation = _deform(case, found.vertebrae, found.network, options, stage, notes)
    stage("done", 1.0)
    return RegistrationResult(
        case=case, options=options, deformation=deformation, notes=notes, seconds=stage.seconds, **vars(found)
    )


def find_poses(case: Case, options: RegistrationOptions, progress: Progress, notes: list[str]) -> FoundPoses:
    """The rigid part of a registration: where every vertebra is.

    Args:
        case: checked inputs.
        options: what the user chose.
        progress: told the stage and the share done.
        notes: what a user should know is appended here.

    Raises:
        InputError: the case cannot be registered, or the network file or device cannot be used.
    """
    progress("alignment", 0.0)
    start = find_start(case)
    progress("network", 0.1)
    network = load_network(options.network, options.device, options.threads or 0, notes.append)
    network_poses = _network_poses(network, case, start)
    nearer = _nearer(start, network_poses)
    if _distance_mm(start, nearer) > SURE_REACH_MM:
        network_poses = _network_poses(network, case, nearer)
        nearer = _nearer(start, network_poses)
    progress("vertebrae", 0.25)
    known = [network_poses, dict.fromkeys(start.ct_centers, start.global_rigid)]
    vertebrae, shift = _refine(case, nearer, known, options)
    if shift is not None and shift.is_better and not start.mr_centers:
        start = replace(start, global_rigid=shift.motion)
        vertebrae, shift = _refine(case, start, [], options)
    return FoundPoses(start, network, network_poses, vertebrae, shift)


def _bone_points(case: Case) -> dict[int, NDArray[Any]]:
    """LPS mm corners (8, 3) of each CT vertebra's bounding box."""
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(case.vertebrae)
    grid = Grid.of(case.vertebrae)
    boxes = {int(n): statistics.GetBoundingBox(n) for n in statistics.GetLabels()}
    return {n: grid.crop(b[:3], b[3:]).corners() for n, b in boxes.items()}


def _network_poses(network: LoadedNetwork, case: Case, start: Start) -> dict[int, rigid.Rigid]:
    moved = rigid.apply(start.global_rigid, np.concatenate(list(_bone_points(case).values())))
    grid = Grid.around(moved, network.card.spacing_mm, NETWORK_MARGIN_MM)
    images = _images_on(case, grid, rigid.to_sitk(rigid.inverse(start.global_rigid)))
    displacement = predict_displacement(network, *images)
    labels = labels_in_box(case.vertebrae, start.global_rigid, grid)
    return poses_from_displacement(displacement, grid, labels, start.global_rigid, list(start.ct_centers))


def _nearer(start: Start, poses: Mapping[int, rigid.Rigid]) -> Start:
    """The start with the rigid motion nearest to those of all vertebrae, where there are any."""
    if not poses:
        return start
    middle = np.mean([start.ct_centers[n] for n in poses], axis=0)
    return replace(start, global_rigid=rigid.mean(list(poses.values()), middle))


def _distance_mm(first: Start, second: Start) -> float:
    """Mean distance of the body centres under two starts."""
    centers = np.array(list(first.ct_centers.values()))
    apart = rigid.apply(first.global_rigid, centers) - rigid.apply(second.global_rigid, centers)
    return float(np.linalg.norm(apart, axis=1).mean())


def _refine(
    case: Case, start: Start, known: Sequence[dict[int, rigid.Rigid]], options: RegistrationOptions
) -> tuple[dict[int, VertebraPose], LevelShift | None]:
    """Refined poses, and how well the better of the neighbouring levels explains the images."""
    moved = rigid.apply(start.global_rigid, np.concatenate(list(_bone_points(case).values())))
    box = Grid.around(moved, MATCHING_SPACING_MM, MATCHING_MARGIN_MM, Grid.of(case.mr).axes)
    scene = make_scene(case.ct, case.mr, case.vertebrae, start.global_rigid, box)
    place = (scene, box, start.global_rigid, start.ct_centers)
    vertebrae = refine_poses(*place, known, options.refinement, options.seed)
    poses = {n: v.pose for n, v in vertebrae.items()}
    with ThreadPoolExecutor() as beside:
        shift = beside.submit(best_shift, *place, poses)
        matches = match_ratios(*place, poses)
    vertebrae = {n: replace(v, match_ratio=matches[n]) for n, v in vertebrae.items()}
    return vertebrae, shift.result()


def _deform(
    case: Case,
    vertebrae: Mapping[int, VertebraPose],
    network: LoadedNetwork,
    options: RegistrationOptions,
    stage: _Stages,
    notes: list[str],
) -> Deformation:
    poses = {n: v.pose for n, v in vertebrae.items()}
    corners = _bone_points(case)
    global_rigid = rigid.mean(list(poses.values()), np.concatenate(list(corners.values())).mean(0))
    moved = np.concatenate([rigid.apply(m, corners[n]) for n, p in poses.items() for m in (p, global_rigid)])
    settings = _affordable(options.deformation, moved)
    box = spine_box(moved, settings.spacing_mm, settings.reach_mm, np.eye(3), settings.stride)
    labels = labels_in_box(case.vertebrae, global_rigid, box)
    bones = make_bones(labels, box, poses, global_rigid, settings.reach_mm)
    explained = bone_motion(bones, box, settings)
    soft = _soft_motion(case, bones, box, global_rigid, explained, network, settings, options, notes)
    stage("deformation", 0.8)
    return build_deformation(
        bones, box, poses, global_rigid, settings, compose(explained, soft, settings, box)
    )


def _affordable(settings: DeformationOptions, moved: NDArray[Any]) -> DeformationOptions:
    """A spacing at which the field of a long spine stays a file of ordinary size."""
    extent = np.ptp(moved, axis=0) + 2 * settings.reach_mm
    smallest = float((np.prod(extent) / LARGEST_FIELD_VOXELS) ** (1 / 3))
    return replace(settings, spacing_mm=max(settings.spacing_mm, smallest))


def _soft_motion(
    case: Case,
    bones: Sequence[Bone],
    box: Grid,
    global_rigid: rigid.Rigid,
    explained: torch.Tensor,
    network: LoadedNetwork,
    settings: DeformationOptions,
    options: RegistrationOptions,
    notes: list[str],
) -> torch.Tensor:
    """Displacement (z, y, x, 3) in mm at every `stride`-th node of what the bones do not explain."""
    coarse = box.coarse(settings.stride)
    spacing = coarse.spacing_mm[0]
    field_transform = sitk.DisplacementFieldTransform(coarse.image(explained.double().numpy()))
    to_ct = sitk.CompositeTransform([rigid.to_sitk(rigid.inverse(global_rigid)), field_transform])
    mr, ct = _images_on(case, coarse, to_ct)
    grid, seen = coarse, (mr, ct)
    if spacing != network.card.spacing_mm:
        grid = coarse.with_spacing(network.card.spacing_mm)
        seen = _images_on(case, grid, to_ct)
    prior = predict_displacement(network, *seen)
    shift = torch.tensor(np.subtract(coarse.origin_mm, grid.origin_mm), dtype=torch.float32)
    prior = sample_vectors(prior, node_coordinates(coarse) + shift, grid.spacing_mm[0])
    nodes = node_coordinates(box)[:: settings.stride, :: settings.stride, :: settings.stride]
    distance = distance_from_bones(nodes, bones, box, 1.0, 4 * spacing, settings.stride).distance
    free = ((distance - spacing) / (2 * spacing)).clamp(0, 1) * _border_window(coarse)
    free = free * _inner_window(Grid.of(case.mr).covers(coarse), spacing)
    free, prior = free.float(), prior * free[..., None]
    nothing = torch.zeros_like(prior)
    images = torch.from_numpy(mr), torch.from_numpy(ct).clamp(-250, 800)
    scores = [disagreement(*images, free, field, spacing) for field in (prior, nothing)]
    if scores[0] >= PRIOR_SUPPORT * scores[1]:
        notes.append("The images do not support the network's soft-tissue motion; it was left out.")
        prior = nothing
    return soft_motion(*images, free, prior, spacing, options.soft_tissue)


def _images_on(case: Case, grid: Grid, to_ct: sitk.Transform) -> tuple[NDArray[Any], NDArray[Any]]:
    """MR and CT (z, y, x) on a grid of the MR frame, the CT through a transform of its points."""
    return on_grid(case.mr, grid, sitk.Transform(), 0.0), on_grid(case.ct, grid, to_ct, -1000.0)


def _inner_window(seen: NDArray[np.bool_], spacing_mm: float) -> torch.Tensor:
    """1 inside a field of view (z, y, x), falling linearly to 0 where it ends."""
    if seen.all():
        return torch.ones(seen.shape)
    return torch.from_numpy(distance_transform_edt(seen) * (spacing_mm / WINDOW_MM)).clamp(max=1).float()


def _border_window(grid: Grid) -> torch.Tensor:
    """1 inside a grid, falling smoothly to 0 at its border, (z, y, x)."""
    window = torch.ones(grid.shape)
    for axis, (n, s) in enumerate(zip(grid.shape, grid.spacing_mm[::-1], strict=True)):
        index = torch.arange(n)
        ramp = (torch.minimum(index, n - 1 - index) * s / WINDOW_MM).clamp(0, 1)
        window = window * (ramp * ramp * (3 - 2 * ramp)).reshape([-1 if a == axis else 1 for a in range(3)])
    return window
