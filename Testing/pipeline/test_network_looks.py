"""Where a network looks: at runs of neighbours, and again only at what it moved far."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from spine_ctmr import network_looks
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network_looks import LONGEST_PIECE, SURE_REACH_MM, looked_at, pieces_of

T12, T13, L1, L2, L3, L4, L5 = 19, 28, 20, 21, 22, 23, 24


def test_a_short_spine_is_one_piece_from_head_to_tail() -> None:
    assert pieces_of([L2, T13, L1, T12], [L1, L2, T12, T13]) == [[T12, T13, L1, L2]]


def test_vertebrae_that_are_not_sought_divide_the_pieces() -> None:
    assert pieces_of(range(T12, L5 + 1), [L5, T12, L1, L4]) == [[T12, L1], [L4, L5]]
    assert pieces_of([L1, L2], []) == []


def test_a_long_spine_comes_in_pieces_of_like_length() -> None:
    pieces = pieces_of(range(1, L5 + 1), range(1, L5 + 1))
    assert [n for piece in pieces for n in piece] == list(range(1, L5 + 1))
    assert {len(piece) for piece in pieces} == {LONGEST_PIECE}
    assert [len(piece) for piece in pieces_of(range(1, 11), range(1, 11))] == [5, 5]


def test_it_looks_again_at_what_moved_far_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """L4 moves far at first and little then; the poses of the others are those of the first look."""
    corners = {n: np.eye(3) * 10.0 for n in (L3, L4, L5)}
    looks: list[list[int]] = []

    def poses(network: Any, case: Any, sought: dict[int, Any], start: Any) -> dict[int, Pose]:
        looks.append(list(sought))
        far = SURE_REACH_MM + 1 if len(looks) == 1 else SURE_REACH_MM + 2
        return {n: Pose.of(np.eye(3), [far if n == L4 else len(looks), 0, 0]) for n in sought}

    def nearer(start: Any, corners: Any, found: dict[int, Pose]) -> Any:
        return SimpleNamespace(motions=dict(found))

    monkeypatch.setattr(network_looks, "bone_corners", lambda _: corners)
    monkeypatch.setattr(network_looks, "_network_poses", poses)
    monkeypatch.setattr(network_looks, "_nearer", nearer)
    start: Any = SimpleNamespace(motions=dict.fromkeys(corners, Pose.identity()))
    unused: Any = SimpleNamespace(vertebrae=None)
    told: list[float] = []
    near, found = looked_at(load_network(device="cpu"), unused, start, 4, lambda _, share: told.append(share))
    assert looks == [[L3, L4, L5], [L4]]
    assert [found[n].matrix[0, 3] for n in (L3, L4, L5)] == [1, SURE_REACH_MM + 2, 1]
    assert near.motions == found
    assert told == sorted(told)
