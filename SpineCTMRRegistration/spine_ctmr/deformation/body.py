"""The motion of the whole body between the images: rigid bones, and soft tissue as the images say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from ..geometry.boxes import labels_in_box, spine_box
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.windows import border_window
from ..imaging.case import Case
from ..imaging.label_voxels import bone_corners
from ..imaging.resampling import case_on_grid
from ..imaging.vertebra_names import vertebra_name
from ..process.device import Processor
from ..progress import Progress
from ..similarity import descriptors
from ..similarity.bias import without_bias
from .bones import Bone, core_points, distance_from_bones, make_bones
from .deformation import Deformation, bone_motion, build_deformation, compose
from .options import DeformationOptions
from .soft_tissue import SoftTissueOptions, soft_motion

WINDOW_MM = 14.0
"""Over this distance the soft-tissue motion fades to zero at the end of the box."""
LARGEST_FIELD_VOXELS = 8_000_000
"""Of a stored field, so that the file of a long spine stays of ordinary size."""
NOTABLE_CONTACT = 0.01
"""Share of a bone that touches another one, from which on the user is told."""
SOFT_TISSUE_HU = (-200.0, 300.0)
"""What lies beyond looks alike to the search for the soft tissue."""


def deform(
    case: Case,
    poses: Mapping[int, Pose],
    options: DeformationOptions,
    soft_tissue: SoftTissueOptions,
    seed: int,
    progress: Progress,
    notes: list[str],
    processor: Processor,
) -> Deformation:
    """The deformation that moves every vertebra by its pose.

    Args:
        case: the inputs.
        poses: CT→MR in LPS mm, by VerSe number.
        options: how the motion spreads between the bones.
        soft_tissue: how the soft tissue is followed on the images.
        seed: of the sample points.
        progress: told the stage and the share done.
        notes: what a user should know is appended here.
        processor: where to compute.
    """
    progress("soft tissue", 0.6)
    corners = bone_corners(case.vertebrae)
    global_rigid = Pose.nearest(poses, corners)
    moved = np.concatenate([m.apply(corners[n]) for n, p in poses.items() for m in (p, global_rigid)])
    settings = _affordable(options, moved)
    box = spine_box(moved, settings.spacing_mm, settings.reach_mm, np.eye(3), settings.stride)
    labels = labels_in_box(case.vertebrae, global_rigid, box)
    cores = core_points(case.vertebrae)
    bones = make_bones(labels, box, poses, global_rigid, settings.reach_mm, cores)

    def motion_on(device: str) -> torch.Tensor:
        here = [bone.to(device) for bone in bones]
        explained = bone_motion(here, box, settings)
        soft = _soft_motion(case, here, box, global_rigid, explained, settings, soft_tissue, seed)
        return compose(explained, soft, settings, box)

    def deformation_on(device: str) -> Deformation:
        here = [bone.to(device) for bone in bones]
        return build_deformation(here, box, poses, global_rigid, settings, motion.to(device))

    motion = processor.run("the soft tissue", motion_on)
    progress("deformation", 0.8)
    deformation = processor.run("the deformation", deformation_on)
    notes += _contact_notes(deformation)
    return deformation


def _contact_notes(deformation: Deformation) -> list[str]:
    """A sentence about the bones that touch notably, if any do."""
    touching = [
        f"{100 * share:.0f} % of {vertebra_name(n)}"
        for n, share in deformation.contact.items()
        if share > NOTABLE_CONTACT
    ]
    if not touching:
        return []
    return [
        f"Moved bones touch: there the deformation bends {', '.join(touching)}. "
        "The rigid transform of each vertebra is not affected."
    ]


def _affordable(settings: DeformationOptions, moved: NDArray[Any]) -> DeformationOptions:
    """A spacing at which the field of a long spine stays a file of ordinary size."""
    extent = np.ptp(moved, axis=0) + 2 * settings.reach_mm
    smallest = float((np.prod(extent) / LARGEST_FIELD_VOXELS) ** (1 / 3))
    return replace(settings, spacing_mm=max(settings.spacing_mm, smallest))


def _soft_motion(
    case: Case,
    bones: Sequence[Bone],
    box: Grid,
    global_rigid: Pose,
    explained: torch.Tensor,
    settings: DeformationOptions,
    soft_tissue: SoftTissueOptions,
    seed: int,
) -> torch.Tensor:
    """Displacement (z, y, x, 3) in mm at every `stride`-th node of what the bones do not explain."""
    coarse = box.coarse(settings.stride)
    spacing = coarse.spacing_mm[0]
    field_transform = sitk.DisplacementFieldTransform(coarse.image(explained.double().cpu().numpy()))
    to_ct = sitk.CompositeTransform([global_rigid.inverse.to_sitk(), field_transform])
    mr, ct = case_on_grid(case, coarse, to_ct)
    distance = distance_from_bones(bones, box, 1.0, 4 * spacing, settings.stride).distance
    free = ((distance - spacing) / (2 * spacing)).clamp(0, 1) * border_window(coarse, WINDOW_MM).to(distance)
    both = Grid.of(case.mr).covers(coarse) & Grid.of(case.ct).covers(coarse, global_rigid.inverse)
    seen = binary_erosion(both, iterations=descriptors.REACH, border_value=1)
    flat = without_bias(mr, ct, seen, spacing)
    mr_there, ct_there, seen_there = (torch.from_numpy(v).to(explained.device) for v in (flat, ct, seen))
    images = mr_there, ct_there.clamp(*SOFT_TISSUE_HU)
    return soft_motion(*images, free.float(), seen_there.float(), spacing, soft_tissue, seed)
