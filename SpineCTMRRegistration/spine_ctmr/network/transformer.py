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


class AttentionLayer(nn.Module):
    """One transformer layer (Vaswani et al. 2017): attention of several heads, then a feed-forward part.

    As printed by Gao and Zheng 2022 (eq. 2 and 4), products of queries and keys are divided by the root of
    the whole width k, not of a head's width as in Vaswani et al.

    Args:
        width: k, of the vectors, a multiple of `heads`.
        heads: of the attention.
        hidden: width inside the feed-forward part.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, width**-0.5
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        nn.init.xavier_uniform_(self.queries_keys_values.weight)
        nn.init.zeros_(self.queries_keys_values.bias)
        nn.init.zeros_(self.join.bias)

    def forward(self, sequence: Tensor) -> Tensor:
        """Sequence (B, n, width) of the same shape."""
        sequence = sequence + self._attention(self.norms[0](sequence))
        added: Tensor = sequence + self.feed_forward(self.norms[1](sequence))
        return added

    def _attention(self, sequence: Tensor) -> Tensor:
        split = self.queries_keys_values(sequence).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        queries, keys, values = split
        shares = torch.softmax(self.scale * queries @ keys.transpose(-1, -2), -1)
        joined: Tensor = self.join((shares @ values).transpose(1, 2).flatten(2))
        return joined


class TransformerEncoder(nn.Module):
    """Transformer layers over a sequence; every place attends to all places.

    Args:
        width: of the vectors, a multiple of `heads`.
        layers: in a row.
        heads: of the attention.
        hidden: width inside the feed-forward parts.
    """

    def __init__(self, width: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(AttentionLayer(width, heads, hidden) for _ in range(layers))
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
