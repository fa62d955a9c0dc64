"""Mutual information of MR and CT around each vertebra, as a term of the Gauss-Newton steps.

The log-likelihood of a pose is the sum over its samples of log p(mr, ct) / (p(mr) p(ct)), whose mean is the
mutual information (Roche et al. 2000, Unifying maximum likelihood approaches in medical image registration);
the densities are Parzen estimates, made anew at every step. The Hessian is Fisher's: the scores' products.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

BINS = 32
"""Of each image between its 0.5 and 99.5 % quantiles; the outermost ones hold what lies beyond."""
KERNEL = torch.exp(-0.5 * torch.arange(-3.0, 4.0) ** 2)
"""The Parzen window, in bins."""
QUANTILES = (0.005, 0.995)
_EMPTY = 1e-7


def information_terms(
    mr: torch.Tensor, slopes: torch.Tensor, ct: torch.Tensor, lever: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fisher matrices (..., 6, 6) and gradients (..., 6) of minus the mean log-likelihood.

    Args:
        mr: (..., p) MR intensities at the samples of each vertebra.
        slopes: (..., p, 3) their derivatives per mm.
        ct: (..., p) CT intensities of the same samples.
        lever: (..., p, 3, 6) derivatives of the samples' places in mm by a pose step.
        weight: (..., p) of each sample.
    """
    change = (information_slopes(mr, slopes, ct, weight)[..., None, :] @ lever)[..., 0, :]
    amount = weight.sum(-1).clamp(min=1e-3)[..., None]
    return change.transpose(-1, -2) @ change / amount[..., None], -change.sum(-2) / amount


def information_slopes(
    moving: torch.Tensor, slopes: torch.Tensor, still: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Derivative (..., p, 3) per mm of each sample's weighted log-likelihood by its place in one image.

    Args:
        moving: (..., p) intensities at those places; each row has its own joint density.
        slopes: (..., p, 3) their derivatives per mm.
        still: (..., p) intensities of the same samples in the other image.
        weight: (..., p) of each sample.
    """
    i, per_bin = _bins(moving, weight)
    j, _ = _bins(still, weight)
    score = _scores(i.flatten(0, -2), j.flatten(0, -2), weight.flatten(0, -2)).reshape(i.shape)
    inside = (i > 1) & (i < BINS - 2)
    return slopes * (score * inside * weight * per_bin)[..., None]


def _bins(values: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Continuous bins (..., p) within [1, BINS - 2] of values (..., p), and bins per unit (..., 1)."""
    step = max(values.shape[-1] // 4000, 1)
    known = torch.where(weight > 0.5, values, torch.nan)[..., ::step]
    levels = torch.tensor(QUANTILES, dtype=values.dtype, device=values.device)
    low, high = torch.nanquantile(known, levels, -1, keepdim=True).nan_to_num(nan=0.0)
    per_bin = (BINS - 3) / (high - low).clamp(min=1e-6)
    return ((values - low) * per_bin + 1).clamp(1, BINS - 2), per_bin


def _scores(i: torch.Tensor, j: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Change per bin of i of the log-likelihood of each sample (v, p), from the joint density of its row."""
    row = torch.arange(len(i), device=i.device)[:, None] * BINS * BINS
    corners = []
    for a in (0, 1):
        for b in (0, 1):
            share = (1 - (i - i.floor() - a).abs()) * (1 - (j - j.floor() - b).abs())
            corners.append((row + (j.long() + b) * BINS + i.long() + a, share))
    joint = torch.zeros(len(i) * BINS * BINS, device=i.device)
    for index, share in corners:
        joint.index_add_(0, index.flatten(), (share * weight).flatten())
    joint = _smoothed(joint.reshape(-1, 1, BINS, BINS))[:, 0]
    joint = joint / joint.sum((1, 2), keepdim=True).clamp(min=1e-6) + _EMPTY
    likelihood = torch.log(joint / (joint.sum(1, keepdim=True) * joint.sum(2, keepdim=True)))
    slope = F.pad((likelihood[:, :, 2:] - likelihood[:, :, :-2]) / 2, (1, 1), mode="replicate").flatten()
    return torch.stack([slope[index] * share for index, share in corners]).sum(0)


def _smoothed(joint: torch.Tensor) -> torch.Tensor:
    """Histograms (v, 1, BINS, BINS) under the Parzen window."""
    kernel = (KERNEL / KERNEL.sum()).to(joint)
    width = len(kernel) // 2
    joint = F.conv2d(joint, kernel[None, None, None], padding=(0, width))
    return F.conv2d(joint, kernel[None, None, :, None], padding=(width, 0))
