"""Convolutions with batch normalisation, as the U-Nets of van Ulsen 2022 and Cao 2018 have them."""

from __future__ import annotations

from torch import nn


def normalised_pair(
    inputs: int, outputs: int, padding: int, epsilon: float = 1e-5, momentum: float = 0.1
) -> nn.Sequential:
    """Two 3x3x3 convolutions, each followed by batch normalisation and ReLU.

    Args:
        inputs: channels.
        outputs: channels of both convolutions.
        padding: voxels; 1 keeps the size, 0 cuts off two voxels on every side.
        epsilon: added to the variance.
        momentum: share of the newest batch in the running statistics.
    """
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv3d(channels, outputs, kernel_size=3, padding=padding))
        layers.append(nn.BatchNorm3d(outputs, eps=epsilon, momentum=momentum))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
