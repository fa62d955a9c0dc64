"""Clicks in the 3-D views, told from drags that turn them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import slicer

LARGEST_DRAG_PX = 4.0


class ModelClicks:
    """Tells of a click: a press and a release at nearly the same place."""

    def __init__(self, clicked: Callable[[Any, float, float], None]) -> None:
        """`clicked` gets the view's renderer and the pixel, counted from below."""
        self._clicked = clicked
        self._tags: dict[Any, list[int]] = {}
        self._pressed: tuple[float, float] | None = None

    def start(self) -> None:
        """Listen to the 3-D views that there are now."""
        manager = slicer.app.layoutManager()
        for index in range(manager.threeDViewCount if manager is not None else 0):
            view = manager.threeDWidget(index).threeDView()
            interactor = view.interactor()
            if interactor not in self._tags:
                renderer = view.renderWindow().GetRenderers().GetFirstRenderer()
                self._tags[interactor] = [
                    interactor.AddObserver("LeftButtonPressEvent", self._on_press),
                    interactor.AddObserver(
                        "LeftButtonReleaseEvent",
                        lambda caller, event, renderer=renderer: self._on_release(caller, renderer),
                    ),
                ]

    def stop(self) -> None:
        """Listen to nothing."""
        for interactor, tags in self._tags.items():
            for tag in tags:
                interactor.RemoveObserver(tag)
        self._tags = {}

    def _on_press(self, interactor: Any, event: str) -> None:
        self._pressed = interactor.GetEventPosition()

    def _on_release(self, interactor: Any, renderer: Any) -> None:
        pressed, self._pressed = self._pressed, None
        x, y = interactor.GetEventPosition()
        if pressed is not None and math.dist(pressed, (x, y)) <= LARGEST_DRAG_PX:
            self._clicked(renderer, x, y)
