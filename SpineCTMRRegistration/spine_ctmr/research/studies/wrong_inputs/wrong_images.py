"""Images that are turned, mirrored, scaled, of another patient or of another kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ....geometry.grid import Grid, Points
from ....geometry.voxels import array_view
from ....imaging.hounsfield import STORED_HU
from .known import Known, body_axis, flipped, on_grid_of
from .wrong_input import SIDE, WrongInput, own

LEFT, BACK, HEAD = 0, 1, 2


def same(known: Known, other: Known) -> Known:
    """Nothing wrong."""
    return known


def flip_ct(known: Known, direction: int) -> Known:
    """CT and labels with their voxels in the opposite order along a body axis."""
    case = known.case
    labels = on_grid_of(case.vertebrae, case.ct)
    axis = body_axis(case.ct, direction)
    ct, motion = flipped(case.ct, axis)
    return known.with_ct(ct, flipped(labels, axis)[0], motion)


def flip_mr(known: Known, direction: int) -> Known:
    """The MR with its voxels in the opposite order along a body axis; the landmarks with it."""
    return known.with_mr(*flipped(known.case.mr, body_axis(known.case.mr, direction)))


def flip_both(known: Known, direction: int) -> Known:
    """Everything in the opposite order along a body axis."""
    return flip_mr(flip_ct(known, direction), direction)


def flip_mr_alone(known: Known, direction: int) -> Known:
    """The MR in the opposite order along a body axis, the landmarks as they were."""
    return flip_mr(known, direction).with_landmarks(known.landmarks)


def flip_ct_alone(known: Known, direction: int) -> Known:
    """The CT in the opposite order along a body axis, its labels as they were."""
    turned = flip_ct(known, direction)
    return replace(turned, case=replace(turned.case, vertebrae=known.case.vertebrae))


def mirror_ct_header(known: Known) -> Known:
    """CT and labels whose headers call left what is right."""
    mirror = np.diag([-1.0, 1.0, 1.0])

    def mirrored(image: sitk.Image) -> sitk.Image:
        grid = Grid.of(image)
        result = grid.image(array_view(image).copy())
        result.SetOrigin((mirror @ grid.origin_mm).tolist())
        result.SetDirection((mirror @ grid.axes).ravel().tolist())
        return result

    return known.with_ct(
        mirrored(known.case.ct), mirrored(known.case.vertebrae), lambda points: points @ mirror
    )


def scale_ct(known: Known, factors: tuple[float, float, float]) -> Known:
    """CT and labels whose voxels are said to be larger along the LPS axes."""
    scale = np.array(factors)

    def scaled(image: sitk.Image) -> sitk.Image:
        grid = Grid.of(image)
        along = np.abs(grid.axes).T @ scale
        result = grid.image(array_view(image).copy())
        result.SetSpacing((np.array(grid.spacing_mm) * along).tolist())
        result.SetOrigin((np.array(grid.origin_mm) * scale).tolist())
        return result

    return known.with_ct(scaled(known.case.ct), scaled(known.case.vertebrae), lambda points: points * scale)


def mr_of_another(known: Known, other: Known) -> Known:
    """The MR of another patient, whose vertebrae get this patient's names in order."""
    centers = dict(zip(known.numbers, other.landmarks.values(), strict=False))
    case = replace(known.case, mr=other.case.mr, mr_centroids=centers)
    return replace(known, case=case).without_answer()


def ct_of_another(known: Known, other: Known) -> Known:
    """CT and labels of another patient, whose vertebrae get this patient's names in order."""
    names = dict(zip(other.numbers, known.numbers, strict=False))
    labels = sitk.ChangeLabel(other.case.vertebrae, {n: names.get(n, 0) for n in other.numbers})
    return replace(known, case=replace(known.case, ct=other.case.ct, vertebrae=labels)).without_answer()


def noise_as_mr(known: Known) -> Known:
    """Noise in place of the MR."""
    grid = Grid.of(known.case.mr)
    noise = np.random.default_rng(0).rayleigh(100, grid.shape).astype(np.float32)
    return replace(known, case=replace(known.case, mr=grid.image(noise))).without_answer()


def noise_as_ct(known: Known) -> Known:
    """Noise in place of the CT."""
    grid = Grid.of(known.case.ct)
    noise = np.random.default_rng(0).normal(0, 300, grid.shape).astype(np.int16)
    return replace(known, case=replace(known.case, ct=grid.image(noise))).without_answer()


def ct_as_mr(known: Known, shift_mm: float) -> Known:
    """The CT itself, moved a little, in place of the MR."""
    case = known.case
    moved = sitk.Image(case.ct)
    shift = np.array([shift_mm, shift_mm / 2, shift_mm])
    moved.SetOrigin((np.array(case.ct.GetOrigin()) + shift).tolist())
    centers = {n: pairs.ct.mean(0) + shift for n, pairs in known.bone.items()}
    return replace(known, case=replace(case, mr=moved, mr_centroids=centers)).without_answer()


def swapped(known: Known) -> Known:
    """The MR given as the CT and the CT as the MR."""
    case = replace(known.case, ct=known.case.mr, mr=known.case.ct)
    return replace(known, case=case).without_answer()


def with_hu(known: Known, low: float, high: float, scale: float, offset: float) -> Known:
    """The CT cut off at two values, then scaled and moved."""
    ct = sitk.Cast(known.case.ct, sitk.sitkFloat32)
    ct = sitk.Clamp(ct, sitk.sitkFloat32, low, high) * scale + offset
    return replace(known, case=replace(known.case, ct=ct))


def half_black(known: Known) -> Known:
    """The MR without signal in its cranial half."""
    grid = Grid.of(known.case.mr)
    array = array_view(known.case.mr).copy()
    array[grid.points()[..., HEAD] > grid.center_mm[HEAD]] = 0
    return replace(known, case=replace(known.case, mr=grid.image(array)))


def blurred_mr(known: Known, sigma_mm: float) -> Known:
    """The MR without detail."""
    mr = sitk.SmoothingRecursiveGaussian(sitk.Cast(known.case.mr, sitk.sitkFloat32), sigma_mm)
    return replace(known, case=replace(known.case, mr=mr))


def stretched_mr(known: Known, factor: float) -> Known:
    """The MR whose slices or rows are said to be further apart along the body."""
    grid = Grid.of(known.case.mr)
    axis = body_axis(known.case.mr, HEAD)
    mr = grid.image(array_view(known.case.mr).copy())
    spacing = list(grid.spacing_mm)
    spacing[axis] *= factor
    mr.SetSpacing(spacing)
    stretched = Grid.of(mr)

    def motion(points: Points) -> Points:
        return stretched.to_points(grid.to_indices(points))

    return known.with_mr(mr, motion)


WRONG = (
    WrongInput("control", "nothing is wrong", same),
    WrongInput("flip-both", "everything mirrored left to right", own(flip_both, LEFT), SIDE),
    WrongInput("flip-ct", "CT and labels mirrored left to right", own(flip_ct, LEFT)),
    WrongInput("flip-mr", "MR and landmarks mirrored left to right", own(flip_mr, LEFT)),
    WrongInput("flip-ct-header", "header of CT and labels mirrored", own(mirror_ct_header)),
    WrongInput("flip-ct-alone", "CT mirrored, labels not", own(flip_ct_alone, LEFT)),
    WrongInput("flip-mr-alone", "MR mirrored, landmarks not", own(flip_mr_alone, LEFT)),
    WrongInput("ct-back-to-front", "CT and labels back to front", own(flip_ct, BACK)),
    WrongInput("mr-back-to-front", "MR and landmarks back to front", own(flip_mr, BACK)),
    WrongInput("ct-upside-down", "CT and labels upside down", own(flip_ct, HEAD)),
    WrongInput("mr-upside-down", "MR and landmarks upside down", own(flip_mr, HEAD)),
    WrongInput("other-mr", "MR and landmarks of another patient", mr_of_another),
    WrongInput("other-ct", "CT and labels of another patient", ct_of_another),
    WrongInput("noise-mr", "noise as the MR", own(noise_as_mr)),
    WrongInput("noise-ct", "noise as the CT", own(noise_as_ct)),
    WrongInput("ct-as-mr", "the CT, 6 mm aside, as the MR", own(ct_as_mr, 4.0)),
    WrongInput("swapped", "CT and MR swapped", own(swapped)),
    WrongInput("ct-window", "CT windowed to -160 … 240 HU", own(with_hu, -160, 240, 1, 0)),
    WrongInput("ct-0-1", "CT scaled to 0 … 1", own(with_hu, *STORED_HU, 1 / 4095, 0.25)),
    WrongInput("ct-offset", "CT without its offset of -1024", own(with_hu, *STORED_HU, 1, 1024)),
    WrongInput("ct-negative", "CT inverted", own(with_hu, *STORED_HU, -1, 0)),
    WrongInput("scale-2", "CT and labels 2 % too large", own(scale_ct, (1.02,) * 3)),
    WrongInput("scale-5", "CT and labels 5 % too large", own(scale_ct, (1.05,) * 3)),
    WrongInput("scale-10", "CT and labels 10 % too large", own(scale_ct, (1.1,) * 3)),
    WrongInput("long-5", "CT and labels 5 % too long", own(scale_ct, (1, 1, 1.05))),
    WrongInput("long-10", "CT and labels 10 % too long", own(scale_ct, (1, 1, 1.1))),
    WrongInput("long-mr-10", "MR 10 % too long", own(stretched_mr, 1.1)),
    WrongInput("half-mr", "upper half of the MR black", own(half_black)),
    WrongInput("blurred-mr", "MR blurred by 6 mm", own(blurred_mr, 6.0)),
)
