"""Register the CT and the MR of one spine: reads like the method."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import SimpleITK as sitk
import torch

from .alignment import rigid
from .alignment.start import Start, find_start
from .body_motion import deform
from .deformation.bones import labels_in_box
from .deformation.deformation import Deformation
from .imaging.case import Case
from .imaging.grid import Grid
from .imaging.label_voxels import bone_corners
from .network.prediction import case_on_grid, poses_from_displacement, predict_displacement
from .network.runtime import LoadedNetwork, load_network
from .options import RegistrationOptions as RegistrationOptions
from .progress import Progress, silent
from .vertebrae.bone_size import bone_stretches
from .vertebrae.distinctness import match_ratios
from .vertebrae.level_check import LevelShift, best_shift
from .vertebrae.refinement import VertebraPose, refine_poses
from .vertebrae.scene import make_scene

MATCHING_SPACING_MM = 1.0
MATCHING_MARGIN_MM = 14.0
NETWORK_MARGIN_MM = 24.0
SURE_REACH_MM = 3.0
"""Where the network moves the spine further, it looks once more from there; its matches end at 12 mm."""


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
    poses = {n: v.pose for n, v in found.vertebrae.items()}
    deformation = deform(case, poses, options, stage, notes)
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
    nearer = _nearer(start, case, network_poses)
    if _distance_mm(start, nearer) > SURE_REACH_MM:
        network_poses = _network_poses(network, case, nearer)
        nearer = _nearer(start, case, network_poses)
    progress("vertebrae", 0.25)
    known = [network_poses, dict.fromkeys(start.ct_centers, start.global_rigid)]
    vertebrae, shift = _refine(case, nearer, known, options)
    if shift is not None and shift.is_better and not start.mr_centers:
        start = replace(start, global_rigid=shift.motion)
        vertebrae, shift = _refine(case, start, [], options)
    return FoundPoses(start, network, network_poses, vertebrae, shift)


def _network_poses(network: LoadedNetwork, case: Case, start: Start) -> dict[int, rigid.Rigid]:
    moved = rigid.apply(start.global_rigid, np.concatenate(list(bone_corners(case.vertebrae).values())))
    grid = Grid.around(moved, network.card.spacing_mm, NETWORK_MARGIN_MM)
    images = case_on_grid(case, grid, rigid.to_sitk(rigid.inverse(start.global_rigid)))
    displacement = predict_displacement(network, *images)
    labels = labels_in_box(case.vertebrae, start.global_rigid, grid)
    return poses_from_displacement(displacement, grid, labels, start.global_rigid, list(start.ct_centers))


def _nearer(start: Start, case: Case, poses: Mapping[int, rigid.Rigid]) -> Start:
    """The start with the rigid motion that is nearest to those of all vertebrae, where there are any."""
    if not poses:
        return start
    return replace(start, global_rigid=rigid.nearest(poses, bone_corners(case.vertebrae)))


def _distance_mm(first: Start, second: Start) -> float:
    """Mean distance of the body centres under two starts."""
    centers = np.array(list(first.ct_centers.values()))
    apart = rigid.apply(first.global_rigid, centers) - rigid.apply(second.global_rigid, centers)
    return float(np.linalg.norm(apart, axis=1).mean())


def _refine(
    case: Case, start: Start, known: Sequence[dict[int, rigid.Rigid]], options: RegistrationOptions
) -> tuple[dict[int, VertebraPose], LevelShift | None]:
    """Refined poses, and how well the better of the neighbouring levels explains the images."""
    moved = rigid.apply(start.global_rigid, np.concatenate(list(bone_corners(case.vertebrae).values())))
    box = Grid.around(moved, MATCHING_SPACING_MM, MATCHING_MARGIN_MM, Grid.of(case.mr).axes)
    scene = make_scene(case.ct, case.mr, case.vertebrae, start.global_rigid, box)
    place = (scene, box, start.global_rigid, start.ct_centers)
    vertebrae = refine_poses(*place, known, options.refinement, options.seed)
    poses = {n: v.pose for n, v in vertebrae.items()}
    with ThreadPoolExecutor() as beside:
        shift = beside.submit(best_shift, *place, poses)
        matches, stretches = match_ratios(*place, poses), bone_stretches(*place, poses)
    vertebrae = {n: replace(v, match_ratio=matches[n], stretch_mm=stretches[n]) for n, v in vertebrae.items()}
    return vertebrae, shift.result()
