"""Images in memory, taken as the same images in files are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import SimpleITK as sitk

from ..errors import InputError
from ..process.explanation import is_text
from .reading import check_dimensions, check_scalar

ImageSource: TypeAlias = "sitk.Image | str | os.PathLike[str]"
"""A SimpleITK image, or the path of a file or of a DICOM folder."""


def volume_in_memory(image: sitk.Image, name: str) -> sitk.Image:
    """The scalar 3-D image, without a fourth axis of length one; what its owner does to it later changes
    nothing here.

    Args:
        image: any SimpleITK image; it is not changed.
        name: what to call it in messages.

    Raises:
        InputError: it is not 3-D, or not scalar.
    """
    size = image.GetSize()
    check_dimensions(size, name)
    check_scalar(image.GetPixelID(), image.GetNumberOfComponentsPerPixel(), name)
    return sitk.Extract(image, [*size[:3], 0]) if len(size) == 4 else sitk.Image(image)


def image_or_path(given: ImageSource, name: str) -> sitk.Image | Path:
    """What was given, a path as `Path`; `name` is what to call it.

    Raises:
        InputError: it is neither an image nor a path.
    """
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if not is_text(str(path)):
            raise InputError(f"{name} has a path with bytes that are no UTF-8; rename its files or folders.")
        return path
    if not isinstance(given, sitk.Image):
        raise InputError(f"{name} is a {type(given).__name__}; give a SimpleITK image or a path.")
    return given
