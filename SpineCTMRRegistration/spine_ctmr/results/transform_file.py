"""Writes ITK composite transforms as compressed HDF5 files in single precision.

ITK's own writer stores every displacement in double precision, without compression and with the time of
writing. SimpleITK and 3D Slicer read these files as they read ITK's; the same transform gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import compress

import h5py
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.transforms import Displacement, Part
from ..process.threads import beside

CHUNK_VALUES = 300_000
ZLIB_LEVEL = 4
"""A tenth smaller than the fastest for half as much time again; higher ones hardly gain."""
COMPRESSING_THREADS = 4


def write_composite(parts: Sequence[Part], path: Path) -> None:
    """Write rigid motions and displacement fields, LPS mm, in the order of ITK's composites.

    The file is made in memory: HDF5 prints tracebacks where the disk is full.

    Raises:
        OSError: the file cannot be written.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        for name, text in (
            ("HDFVersion", h5py.version.hdf5_version),
            ("ITKVersion", sitk.Version.ITKVersionString()),
        ):
            _write_text(file, name, text)
        group = file.create_group("TransformGroup")
        _write_text(group.create_group("0"), "TransformType", "CompositeTransform_double_3_3")
        for number, part in enumerate(parts, 1):
            _write_part(group.create_group(str(number)), part)
        file.flush()
        content = file.id.get_file_image()
    path.write_bytes(content)


def _write_part(group: h5py.Group, part: Part) -> None:
    """One transform, in the order of parameters that ITK has."""
    if isinstance(part, Displacement):
        name, grid = "DisplacementFieldTransform", part.grid
        frame = np.concatenate([grid.size, grid.origin_mm, grid.spacing_mm, grid.axes.ravel()])
        values = np.ascontiguousarray(part.field, np.float32).reshape(-1)
    else:
        name, frame, values = part.GetName(), part.GetFixedParameters(), np.array(part.GetParameters())
    _write_text(group, "TransformType", f"{name}_double_3_3")
    _write_numbers(group, "TransformFixedParameters", np.array(frame, np.float64))
    if isinstance(part, Displacement):
        _write_compressed(group, "TransformParameters", values)
    else:
        _write_numbers(group, "TransformParameters", values)


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    group.create_dataset(name, data=[text], dtype=h5py.string_dtype("ascii"), track_times=False)


def _write_numbers(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    group.create_dataset(name, data=values, track_times=False)


def _write_compressed(group: h5py.Group, name: str, values: NDArray[np.float32]) -> None:
    """Write through HDF5's filters, shuffle and deflate, applied here: HDF5 holds Python's lock meanwhile."""
    size = min(CHUNK_VALUES, len(values))
    dataset = group.create_dataset(
        name,
        values.shape,
        np.float32,
        chunks=(size,),
        shuffle=True,
        compression=ZLIB_LEVEL,
        track_times=False,
    )

    def filtered(first: int) -> bytes:
        chunk = np.zeros(size, np.float32)
        part = values[first : first + size]
        chunk[: len(part)] = part
        return compress(chunk.view(np.uint8).reshape(-1, chunk.itemsize).T.tobytes(), ZLIB_LEVEL)

    starts = range(0, len(values), size)
    with beside(COMPRESSING_THREADS) as threads:
        for first, content in zip(starts, threads.map(filtered, starts), strict=True):
            dataset.id.write_direct_chunk((first,), content)
