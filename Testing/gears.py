"""The two gears of the tests, and which of them share a worker of pytest-xdist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

Function = TypeVar("Function", bound=Callable[..., Any])
TOGETHER = ("Testing/panel/", "Testing/panel_scene/", "Testing/pipeline/", "Testing/research/training/")
"""Folders whose tests share a fixture that takes long, and so share a worker; elsewhere it is each file."""


def slow_fixture(function: Function) -> Function:
    """Makes all tests slow that use this fixture; goes below `@pytest.fixture`."""
    function.makes_slow = True  # type: ignore[attr-defined]
    return function


def is_slow(item: pytest.Item) -> bool:
    """Whether a test is marked as slow, or uses a fixture that is."""
    fixtures = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    known = (definition.func for definitions in fixtures.values() for definition in definitions)
    return item.get_closest_marker("slow") is not None or any(hasattr(f, "makes_slow") for f in known)


def group_of(node_id: str) -> str:
    """What is run by one worker: a file, or a folder."""
    file = node_id.partition("::")[0]
    return next((folder for folder in TOGETHER if folder in file), file)


def slow_groups_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items, the longest groups first, so that all workers end at about the same time."""
    slow = {group_of(item.nodeid) for item in items if is_slow(item)}
    return sorted(items, key=lambda item: group_of(item.nodeid) not in slow)


def scheduler(config: pytest.Config, log: Any) -> Any:
    """What `pytest -n` distributes the tests with."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)
