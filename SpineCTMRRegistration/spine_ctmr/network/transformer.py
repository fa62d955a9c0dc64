"""Layers of self-attention over image features, with learned positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Positions(nn.Module):
    """A learned vector for every place, added to features.

    On a grid of another size the vectors are interpolated linearly, as is usual for vision transformers.

    Args:
        width: of the vectors.
        shape: places (z, y, x).
    """

    def __init__(self, width: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(1, width, *shape))
        nn.init.trunc_normal_(self.vectors, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, width, Z, Y, X) with their places."""
        shape = features.shape[2:]
        if self.vectors.shape[2:] == shape:
            return features + self.vectors
        return features + functional.interpolate(self.vectors, shape, mode="trilinear")


class TransformerEncoder(nn.Module):
    """Transformer layers (Vaswani et al. 2017) over a sequence; every place attends to all places.

    Args:
        width: of the vectors, a multiple of `heads`.
        layers: in a row.
        heads: of the attention.
        hidden: width inside the feed-forward parts.
    """

    def __init__(self, width: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, sequence: Tensor) -> Tensor:
        """Sequence (B, n, width) of the same shape."""
        for layer in self.layers:
            sequence = layer(sequence)
        normed: Tensor = self.norm(sequence)
        return normed


def sequence_of(features: Tensor) -> Tensor:
    """Features (B, C, Z, Y, X) as a sequence (B, Z Y X, C)."""
    return features.flatten(2).transpose(1, 2)


def features_of(sequence: Tensor, shape: torch.Size) -> Tensor:
    """A sequence (B, Z Y X, C) as features (B, C, Z, Y, X) of a shape (Z, Y, X)."""
    return sequence.transpose(1, 2).unflatten(2, shape)
