"""The values of an image as an array, safe while other threads compute with the image."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

_KEPT = "_array_view"
_taking = Lock()


class _Buffer:
    """An image's buffer, which lives as long as an array on it."""

    def __init__(self, image: sitk.Image) -> None:
        self.__array_interface__ = sitk.GetArrayViewFromImage(image).__array_interface__
        self._image = sitk.Image(image)


def array_view(image: sitk.Image) -> NDArray[Any]:
    """The values (z, y, x) or (z, y, x, components) of an image, not copied, read-only.

    SimpleITK's own view moves the image to a new buffer when a filter is just reading it in another thread,
    and leaves every earlier view on memory that is soon given away. Here an image has one view, which keeps
    its memory. An image that was changed since gets another one, unless it was copied after the change, which
    cannot be seen: an image of somebody else is to be copied first (`volume_in_memory`).
    """
    with _taking:
        view: NDArray[Any] | None = image.__dict__.get(_KEPT)
        if view is None or image.IsUnique():
            image.__dict__[_KEPT] = view = np.asarray(_Buffer(image))
    return view
