"""Joint rigid poses of all vertebrae by Gauss-Newton steps on descriptor differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..similarity.sampled_information import information_terms
from .contact import Face, Push, push
from .matching import Resolution

NOTABLE_TURN_RAD = 0.01
"""Descriptors hardly change when the axes along which they look turn by less."""


OVER_RELAXATION = 1.8
"""Noise in the descriptors' slopes makes the Gauss-Newton matrix too stiff, so steps are made longer."""


@dataclass(frozen=True)
class Poses:
    """Rigid motions of s starts times n vertebrae in box coordinates: y = R (p - c) + c + t.

    Attributes:
        rotation: (s, n, 3, 3) float64.
        translation: (s, n, 3) float64, mm.
        center: (n, 3) float64, mm: each vertebra's pivot before the motion.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    center: torch.Tensor

    def apply(self, points: torch.Tensor) -> torch.Tensor:
        """Points (n, p, 3), one set for each vertebra, moved by every start: (s, n, p, 3)."""
        local = points.double() - self.center[:, None]
        return (
            torch.einsum("snij,npj->snpi", self.rotation, local)
            + (self.center + self.translation)[:, :, None]
        )

    def updated(self, step: torch.Tensor) -> Poses:
        """The poses after steps (s, n, 6): a rotation vector about the moved pivot and a shift in mm."""
        turn = torch.linalg.matrix_exp(_cross(step[..., :3]))
        return replace(self, rotation=turn @ self.rotation, translation=self.translation + step[..., 3:])

    def select(self, starts: torch.Tensor) -> Poses:
        """The poses of some starts."""
        return replace(self, rotation=self.rotation[starts], translation=self.translation[starts])


@dataclass(frozen=True)
class JointPrior:
    """How freely neighbouring vertebrae move against each other.

    Attributes:
        points: (n - 1, 3) float64 box mm: the joints, before the motion.
        shift_mm: standard deviation of the joint's opening.
        turn_rad: standard deviation of the joint's rotation.
        evidence: number of independent observations that a fully visible vertebra is worth.
        faces: where neighbours may meet; they do not reach into each other.
    """

    points: torch.Tensor
    faces: tuple[Face, ...] = ()
    shift_mm: float = 1.2
    turn_rad: float = 0.06
    evidence: float = 300.0


@dataclass(frozen=True)
class Fit:
    """Poses and how well they explain the images.

    Attributes:
        poses: of s starts.
        residual: (s, n) mean squared descriptor difference over the visible points.
        compared: (s, n) share of the points that have descriptors in both images.
        visible: (s, n) share of the points that both images show.
        covariance: (s, n, 6, 6) of each pose, rotation vector about its pivot and shift in mm, as far as the
            images' slopes and the joints tell; to be scaled by what such poses were found to be off.
    """

    poses: Poses
    residual: torch.Tensor
    compared: torch.Tensor
    visible: torch.Tensor
    covariance: torch.Tensor


def optimise(
    resolution: Resolution,
    poses: Poses,
    prior: JointPrior,
    iterations: int,
    rounds: int = 1,
    information: float = 0.0,
) -> Fit:
    """Refine all starts at one resolution.

    Each round takes `iterations` damped Gauss-Newton steps of at most one lattice spacing. `information`
    is the weight of the mutual information beside the descriptors.
    """
    rendering = _rendering(resolution, poses)
    for _ in range(rounds):
        rendering = _rendering(resolution, poses, rendering)
        for _ in range(iterations):
            hessian, gradient, _, _ = _data_terms(resolution, poses, rendering, prior.evidence, information)
            matrix, right = normal_equations(hessian, gradient, poses, prior)
            step = torch.linalg.solve(matrix, right).reshape(gradient.shape)
            poses = poses.updated(_limited(OVER_RELAXATION * step, resolution.spacing_mm))
            if float(step.abs().max()) < 1e-3 * resolution.spacing_mm:
                break
    rendering = _rendering(resolution, poses, rendering)
    terms = _data_terms(resolution, poses, rendering, prior.evidence, information)
    visible = (resolution.visible(poses.apply(resolution.points).float()) * resolution.known).mean(-1)
    return Fit(poses, *terms[2:], visible, _covariance(*terms[:2], poses, prior))


@dataclass(frozen=True)
class _Rendering:
    """Descriptors (s, n, p, 12) of the CT along the MR's axes for rotations (s, n, 3, 3)."""

    rotation: torch.Tensor
    descriptors: torch.Tensor


def _rendering(resolution: Resolution, poses: Poses, last: _Rendering | None = None) -> _Rendering:
    """The CT as it looks under the poses; the last one where they have hardly turned since."""
    rotation = poses.rotation
    if last is not None and float((rotation - last.rotation).abs().max()) < NOTABLE_TURN_RAD:
        return last
    rendered = resolution.ct_descriptors(rotation.reshape(-1, 3, 3).float())
    return _Rendering(rotation, rendered.reshape(*rotation.shape[:2], -1, 12))


def _data_terms(
    resolution: Resolution, poses: Poses, rendering: _Rendering, evidence: float, information: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gauss-Newton matrices (s, n, 6, 6), gradients (s, n, 6), residuals and compared shares (s, n)."""
    moved = poses.apply(resolution.points)
    where = moved.float()
    weight = resolution.comparable(where)
    value, slopes = resolution.mr_descriptors(where)
    difference = value - rendering.descriptors
    pull = torch.stack([(slope * difference).sum(-1) for slope in slopes], -1) * weight[..., None]
    products = [(a * b).sum(-1) for a in slopes for b in slopes]
    stiffness = torch.stack(products, -1).unflatten(-1, (3, 3)) * weight[..., None, None]
    arm = (moved - (poses.center + poses.translation)[:, :, None]).float()
    lever = torch.cat([-_cross(arm), torch.eye(3, device=arm.device).expand(*arm.shape, 3)], -1)
    gradient = (lever * pull[..., None]).sum((-3, -2))
    hessian = lever.flatten(-3, -2).transpose(-1, -2) @ (stiffness @ lever).flatten(-3, -2)
    amount = weight.sum(-1).clamp(min=1e-3)
    compared = weight.mean(-1)
    residual = (difference.square().mean(-1) * weight).sum(-1) / amount
    scale = (evidence * compared / (amount * 12 * residual.clamp(min=1e-6)))[..., None]
    hessian, gradient = hessian * scale[..., None], gradient * scale
    if information:
        mr, change = resolution.mr_values(where)
        fisher, slope = information_terms(mr, change, resolution.ct_values().expand_as(mr), lever, weight)
        worth = (information * evidence * compared)[..., None]
        hessian, gradient = hessian + fisher * worth[..., None], gradient + slope * worth
    return hessian.double(), gradient.double(), residual, compared


def normal_equations(
    hessian: torch.Tensor, gradient: torch.Tensor, poses: Poses, prior: JointPrior
) -> tuple[torch.Tensor, torch.Tensor]:
    """The damped matrix (s, 6 n, 6 n) and right side (s, 6 n), with the prior that holds neighbours together
    and keeps them apart."""
    starts, count = gradient.shape[:2]
    system = torch.zeros((starts, count, 6, count, 6), dtype=torch.float64, device=gradient.device)
    right = -gradient.clone()
    ridge = torch.diag(
        torch.tensor([20.0, 20, 20, 0.02, 0.02, 0.02], dtype=torch.float64, device=gradient.device)
    )
    for v in range(count):
        system[:, v, :, v] += hessian[:, v] * 1.02 + ridge
    pivot = poses.center + poses.translation
    for v in range(count - 1):
        ends = [_joint_end(poses, prior, v + k, v) for k in (0, 1)]
        gap = ends[0] - ends[1]
        turn = _rotation_vector(poses.rotation[:, v] @ poses.rotation[:, v + 1].transpose(-1, -2))
        levers = [_joint_lever(ends[k] - pivot[:, v + k], prior) for k in (0, 1)]
        error = torch.cat([turn / prior.turn_rad, gap / prior.shift_mm], -1)
        for a in (0, 1):
            sign = 1 - 2 * a
            right[:, v + a] -= sign * torch.einsum("sij,si->sj", levers[a], error)
            for b in (0, 1):
                block = levers[a].transpose(-1, -2) @ levers[b]
                system[:, v + a, :, v + b] += (1 - 2 * abs(a - b)) * block
    for face in prior.faces:
        pressed = push(face, poses.rotation, poses.translation, poses.center)
        if pressed is not None:
            _add_push(system, right, pressed, pivot)
    return system.reshape(starts, count * 6, count * 6), right.reshape(starts, count * 6)


def _covariance(
    hessian: torch.Tensor, gradient: torch.Tensor, poses: Poses, prior: JointPrior
) -> torch.Tensor:
    """Covariances (s, n, 6, 6) of the single poses when all are uncertain together."""
    matrix, _ = normal_equations(hessian, gradient, poses, prior)
    whole = torch.linalg.inv(matrix).unflatten(2, (-1, 6)).unflatten(1, (-1, 6))
    return whole.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def _add_push(system: torch.Tensor, right: torch.Tensor, pressed: Push, pivot: torch.Tensor) -> None:
    """Add what a face presses to the normal equations (s, n, 6, n, 6) and their right side (s, n, 6)."""
    ends = ((pressed.bone, 1.0), (pressed.other, -1.0))
    levers = []
    for vertebra, sign in ends:
        arm = pressed.places - pivot[:, vertebra, None]
        turn = torch.linalg.cross(arm, pressed.normal)
        levers.append(sign * torch.cat([turn, pressed.normal], -1))
    for (a, _), lever in zip(ends, levers, strict=True):
        right[:, a] += (lever * pressed.excess[..., None]).sum(1)
        for (b, _), other in zip(ends, levers, strict=True):
            system[:, a, :, b] += lever.transpose(-1, -2) @ other


def _joint_end(poses: Poses, prior: JointPrior, vertebra: int, joint: int) -> torch.Tensor:
    """Where a vertebra carries a joint's point, (s, 3)."""
    local = prior.points[joint] - poses.center[vertebra]
    return poses.rotation[:, vertebra] @ local + poses.center[vertebra] + poses.translation[:, vertebra]


def _joint_lever(arm: torch.Tensor, prior: JointPrior) -> torch.Tensor:
    """Derivative (s, 6, 6) of a joint's (turn, shift) in standard deviations by a vertebra's step."""
    lever = torch.zeros((len(arm), 6, 6), dtype=arm.dtype, device=arm.device)
    lever[:, :3, :3] = torch.eye(3, dtype=arm.dtype, device=arm.device) / prior.turn_rad
    lever[:, 3:, :3] = -_cross(arm) / prior.shift_mm
    lever[:, 3:, 3:] = torch.eye(3, dtype=arm.dtype, device=arm.device) / prior.shift_mm
    return lever


def _limited(step: torch.Tensor, spacing_mm: float) -> torch.Tensor:
    """Steps of at most one spacing, a rotation counted at 30 mm from the pivot."""
    size = step[..., 3:].norm(dim=-1) + 30 * step[..., :3].norm(dim=-1)
    return step * (spacing_mm / size.clamp(min=spacing_mm))[..., None]


def _cross(vector: torch.Tensor) -> torch.Tensor:
    """Matrices (..., 3, 3) of the cross product with vectors (..., 3)."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vector.shape, 3)


def _rotation_vector(rotation: torch.Tensor) -> torch.Tensor:
    """Rotation vectors (..., 3) of rotations (..., 3, 3) below 90 degrees."""
    twist = (
        torch.stack(
            [
                rotation[..., 2, 1] - rotation[..., 1, 2],
                rotation[..., 0, 2] - rotation[..., 2, 0],
                rotation[..., 1, 0] - rotation[..., 0, 1],
            ],
            -1,
        )
        / 2
    )
    sine = twist.norm(dim=-1, keepdim=True).clamp(1e-9, 1)
    return twist * (torch.asin(sine) / sine)
