"""Signals without Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

Arguments = ParamSpec("Arguments")


class Signal(Generic[Arguments]):
    """Calls the connected functions, in order, when emitted."""

    def __init__(self) -> None:
        self._receivers: list[Callable[Arguments, object]] = []

    def connect(self, receiver: Callable[Arguments, object]) -> None:
        self._receivers.append(receiver)

    def emit(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        for receiver in tuple(self._receivers):
            receiver(*args, **kwargs)
