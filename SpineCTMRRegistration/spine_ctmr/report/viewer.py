"""The viewer: the images to scroll through and to sign, in one page that needs nothing else."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..deformation.deformation import Deformation
from ..geometry.grid import Grid, Points
from ..geometry.pose import Pose
from ..imaging.case import Case, Centroids
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..quality.flags import VertebraQuality
from ..quality.spine_flags import verdict
from .drawing import BONE_HU, BONE_WINDOW_HU
from .jacobian_colors import jacobian_colors
from .templates import ASSETS, asset, filled, source
from .verdict import STATEMENTS, SYMBOLS, mood, worst_flag
from .viewer_images import HU_RANGE, Bytes, ViewerImages, viewer_images

NIIVUE = "niivue-0.69.0"
VOXELS = (2.2e6, 1.5e6)
"""So many are shown; fewer, if the page would be too large to be sent by mail."""
LARGEST_BYTES = 12_000_000
WINDOWS_HU = {"bone": BONE_WINDOW_HU, "soft": (-125.0, 225.0), "overlay": BONE_HU}


@dataclass(frozen=True)
class Shown:
    """What a viewer is made of.

    Attributes:
        case: the inputs.
        deformation: the registration's answer.
        start: CT→MR motion that it started from.
        ct_centers: body centres in the CT, LPS mm.
        determinant: det J (z, y, x) of `mr_to_ct` at the nodes of the deformation's box.
        labels_in_mr: moved vertebrae on the MR's grid.
    """

    case: Case
    deformation: Deformation
    start: Pose
    ct_centers: Centroids
    determinant: NDArray[Any]
    labels_in_mr: sitk.Image


def packed_images(shown: Shown) -> tuple[ViewerImages, dict[str, str]]:
    """The images, as fine as the page may hold them, and what of them goes into it, by name."""
    room = LARGEST_BYTES - 1_500_000
    for voxels in VOXELS:
        images = viewer_images(
            shown.case, shown.deformation, shown.start, shown.determinant, shown.labels_in_mr, voxels
        )
        packed = {"mr": _packed(nifti(images.mr, images.grid))} | {
            name: _packed(getattr(images, name).tobytes())
            for name in ("ct", "ct_before", "volume_change", "vertebrae", "vertebrae_before")
        }
        if sum(map(len, packed.values())) <= room:
            break
    return images, packed


def write_viewer(
    path: Path,
    shown: Shown,
    packed: tuple[ViewerImages, Mapping[str, str]],
    rows: Sequence[VertebraQuality],
    failure: str | None,
    result: str,
    pictures: Mapping[str, bytes],
) -> None:
    """Write the page.

    Args:
        path: where to write.
        shown: what it is made of.
        packed: of `packed_images`.
        rows: the quality of each vertebra, top to bottom.
        failure: why the registration failed its own checks.
        result: `fingerprint` of the result, which a sign-off repeats.
        pictures: JPEG files by caption, for browsers without WebGL.
    """
    images, volumes = packed
    library = _packed((ASSETS / f"{NIIVUE}.umd.js").read_bytes())
    page = filled(
        "viewer.html.j2",
        style=asset("viewer.css"),
        case=shown.case.label,
        niivue={"version": NIIVUE.partition("-")[2], "licence": asset(f"{NIIVUE}.LICENSE.md")},
        rows=rows,
        verdict=verdict(rows),
        worst=worst_flag(rows, failure),
        mood=mood(rows, failure),
        failure=failure,
        symbols=SYMBOLS,
        statements=STATEMENTS,
        pictures={caption: source(data, "jpeg") for caption, data in pictures.items()},
        about=_about(shown, images, rows, result),
        shader=asset("slice.frag"),
        packed={"niivue": library, **volumes},
        scripts=[asset(f"viewer_{part}.js") for part in ("sign_off", "scene", "page")],
    )
    path.write_text(page, encoding="utf-8")


def nifti(array: Bytes, grid: Grid) -> bytes:
    """A byte image (z, y, x) as a NIfTI-1 file, sizeof_hdr to magic as in nifti1.h."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.index_to_point
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *grid.size, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)  # DT_UINT8, bits
    struct.pack_into("<8f", header, 76, 1.0, *grid.spacing_mm, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)  # vox_offset, scl_slope, scl_inter
    header[123] = 2  # NIFTI_UNITS_MM
    struct.pack_into("<2f", header, 124, 255.0, 0.0)  # cal_max, cal_min
    struct.pack_into("<2h", header, 252, 0, 1)  # qform_code, sform_code
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header) + array.tobytes()


def _about(
    shown: Shown, images: ViewerImages, rows: Sequence[VertebraQuality], result: str
) -> dict[str, Any]:
    """What the scripts need to know: positions are shares of the image, windows shares of `HU_RANGE`."""
    low, high = HU_RANGE
    grid = images.grid
    octaves = (np.arange(1, 256) - 128) / 127
    rgb, opacity = jacobian_colors([0.0, *2.0**octaves])
    colours = np.concatenate([rgb, 255 * opacity[:, None]], -1)
    numbers = np.union1d(images.vertebrae, images.vertebrae_before)
    poses, centers = shown.deformation.poses, shown.ct_centers
    return {
        "size": grid.size,
        "step_mm": grid.spacing_mm[0],
        "hu_range": HU_RANGE,
        "windows": {
            name: [(value - low) / (high - low) for value in ends] for name, ends in WINDOWS_HU.items()
        },
        "colours": np.rint(colours).astype(int).tolist(),
        "result": result,
        "vertebrae": [
            {
                "name": row.name,
                "place": _share(grid, poses[row.number].apply(centers[row.number])),
            }
            for row in rows
        ],
        "shown": [
            {"name": vertebra_name(number), "number": number}
            for number in cranial_to_caudal(numbers[numbers > 0].tolist())
        ],
    }


def _share(grid: Grid, point: Points) -> list[float]:
    """Where an LPS point lies in the image, 0 to 1 along each axis."""
    share = (grid.to_indices(point) + 0.5) / np.asarray(grid.size)
    return [round(float(value), 4) for value in np.clip(share, 0.0, 1.0)]


def _packed(data: bytes) -> str:
    """`Markup` of base64, which looks to a search for paths like one endless path."""
    from markupsafe import Markup

    return Markup(base64.b64encode(zlib.compress(data, 1)).decode("ascii"))
