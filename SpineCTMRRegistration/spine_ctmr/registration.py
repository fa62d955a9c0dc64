"""Register the CT and the MR of one spine: reads like the method."""

from __future__ import annotations

import time
from dataclasses import replace

from .alignment.start import find_start
from .deformation.body import deform
from .field_registration import FieldFinder, NetworkField, register_by_field
from .imaging.case import Case
from .imaging.vertebra_names import cranial_to_caudal
from .network.runtime import load_network
from .network_looks import MOST_LOOKS, looked_at
from .options import RegistrationOptions as RegistrationOptions
from .process.device import Processor, torch_device
from .process.memory import give_back
from .process.threads import beside, limited
from .progress import Progress, silent, span
from .registration_result import FoundPoses, RegistrationResult
from .vertebrae.level_check import level_left_open
from .vertebrae.spine_length import length_note
from .vertebrae.spine_match import SpineMatch, match_spine

SHOWN_SHARE = 0.5
"""Of a vertebra that the MR counts as showing."""


class _Stages:
    """Reports progress, keeps the time of every stage, and gives its memory back."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self._name, self._since = "", time.perf_counter()

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now - self._since, 3)
        if stage != self._name:
            give_back()
        self._name, self._since = stage, now
        self.progress(stage, fraction)


def register(
    case: Case,
    options: RegistrationOptions | None = None,
    progress: Progress = silent,
    finder: FieldFinder | None = None,
) -> RegistrationResult:
    """Find the transforms between the CT and the MR of a spine.

    Args:
        case: checked inputs (`read_case`).
        options: what the user chose.
        progress: told the stage and the share done.
        finder: finds a displacement that is the result as it is; None for the whole method, or what the
            options' network finds alone.

    Raises:
        InputError: the case cannot be registered, or the network file or device cannot be used.
    """
    options = options or RegistrationOptions()
    with limited(options.threads):
        if finder is not None or options.network_only:
            return _register_by_field(case, options, progress, finder)
        return _register(case, options, progress)


def _register_by_field(
    case: Case, options: RegistrationOptions, progress: Progress, finder: FieldFinder | None
) -> RegistrationResult:
    notes, stage = list(case.warnings), _Stages(progress)
    if finder is None:
        threads = options.threads or 0
        finder = NetworkField(load_network(options.network, options.device, threads, notes.append))
    processor = _processor(options, notes)
    result = register_by_field(case, options, finder, stage, notes, processor)
    told = filter(None, [length_note(case.vertebrae, result.found.poses), _open_level(result.found)])
    return replace(result, notes=[*result.notes, *told], seconds=stage.seconds)


def _register(case: Case, options: RegistrationOptions, progress: Progress) -> RegistrationResult:
    notes = list(case.warnings)
    stage = _Stages(progress)
    found, match = _place(case, options, stage, notes, MOST_LOOKS)
    poses = match.poses
    notes += filter(None, [length_note(case.vertebrae, poses)])
    processor = match.processor
    with beside() as thread:
        judging = thread.submit(_judged, found, match)
        del match  # with the images on which it was made
        settings = options.deformation, options.soft_tissue, options.seed
        deformation = deform(case, poses, *settings, stage, notes, processor)
        found = judging.result()
    notes += filter(None, [_open_level(found)])
    stage("deformation", 1.0)
    give_back()
    return RegistrationResult(case, options, found, deformation, notes, stage.seconds)


def find_poses(
    case: Case,
    options: RegistrationOptions,
    progress: Progress,
    notes: list[str],
    most_looks: int = MOST_LOOKS,
) -> FoundPoses:
    """The rigid part of a registration: where every vertebra is.

    Args:
        case: checked inputs.
        options: what the user chose.
        progress: told the stage and the share done.
        notes: what a user should know is appended here.
        most_looks: how often the network may look at the images; 0 leaves it out, to measure what it adds.

    Raises:
        InputError: the case cannot be registered, or the network file or device cannot be used.
    """
    return _judged(*_place(case, options, progress, notes, most_looks))


def _judged(found: FoundPoses, match: SpineMatch) -> FoundPoses:
    """The poses with what speaks for and against every vertebra."""
    return replace(found, vertebrae=match.judged(), shift=match.shift)


def _open_level(found: FoundPoses) -> str | None:
    """What a user should know of the level where the images alone have chosen it."""
    if found.start.mr_centers:
        return None
    numbers = cranial_to_caudal(found.vertebrae)
    shown = [n for n in numbers if found.vertebrae[n].visible_share >= SHOWN_SHARE]
    return level_left_open(found.shift, numbers, shown or numbers)


def _place(
    case: Case, options: RegistrationOptions, progress: Progress, notes: list[str], most_looks: int
) -> tuple[FoundPoses, SpineMatch]:
    """The vertebrae of a case where the images have them, not yet judged; see `find_poses`."""
    progress("alignment", 0.0)
    start = find_start(case)
    progress("network", 0.1)
    network = load_network(options.network, options.device, options.threads or 0, notes.append)
    if network.card.learned_affinely:
        notes.append(
            f"The network {network.card.name} learned after an affine registration, which is left out where "
            "it gives the starts of the vertebrae; with --network-only it comes first."
        )
    near, network_poses = looked_at(network, case, start, most_looks, span(progress, 0.1, 0.25))
    known, middle = [network_poses, start.motions], 0.6 if start.mr_centers else 0.45
    here = span(progress, 0.25, middle)
    processor = _processor(options, notes)
    match = match_spine(case, near, known, options.refinement, processor, here)
    if not start.mr_centers and match.shift is not None and match.shift.is_better:
        motion = match.shift.motion
        del match
        start = replace(start, global_rigid=motion, motions=dict.fromkeys(start.ct_centers, motion))
        here = span(progress, middle, 0.6)
        match = match_spine(case, start, [], options.refinement, processor, here)
    return FoundPoses(start, network, network_poses, match.vertebrae, None), match


def _processor(options: RegistrationOptions, notes: list[str]) -> Processor:
    """Where torch computes what comes after the network, which was loaded on the chosen device."""
    device = torch_device(options.device)
    if options.device == "cuda" != device:
        notes.append("PyTorch finds no usable CUDA device; all but the network ran on the CPU.")
    return Processor(device, notes.append)
