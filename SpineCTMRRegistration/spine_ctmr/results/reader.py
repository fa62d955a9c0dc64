"""A finished registration, read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.reading import read_image
from ..imaging.vertebra_names import VERSE_NUMBERS, vertebra_list
from ..json_files import read_json
from ..process.untrusted import untrusted
from ..quality.flags import FLAGS
from . import names

LONGEST_WORD = 64
"""Characters of a name or number in a text file of a transform."""


@dataclass(frozen=True)
class ResultFolder:
    """What a registration wrote.

    Attributes:
        to_ct: `mr_to_ct`.
        to_mr: `ct_to_mr`.
        field: displacement (z, y, x, 3) in LPS mm of `mr_to_ct` before its rigid part.
        box: grid of `field`, in the MR frame.
        start: CT→MR rigid start.
        poses: CT→MR by vertebra number.
        labels_in_mr: moved vertebra labels on the MR's grid.
        quality: content of `quality.json`.
        run: content of `run.json`.
    """

    to_ct: sitk.Transform
    to_mr: sitk.Transform
    field: NDArray[Any]
    box: Grid
    start: Pose
    poses: dict[int, Pose]
    labels_in_mr: sitk.Image
    quality: dict[str, Any]
    run: dict[str, Any]


def read_result_folder(folder: Path) -> ResultFolder:
    """Read what `register` wrote to a folder.

    Raises:
        InputError: not a folder of results, or a file in it is missing, damaged or of another result.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that `spine-ctmr register` wrote.")
    run, quality = _json(folder, names.RUN), _json(folder, names.QUALITY)
    to_ct, to_mr = _transform(folder, names.MR_TO_CT), _transform(folder, names.CT_TO_MR)
    field = _field(to_ct, folder)
    labels = read_image(present(folder, names.VERTEBRAE_IN_MR))
    numbers = _judged(quality, folder)
    strange = set(names.pose_files(folder)) - set(numbers)
    if strange:
        raise InputError(
            f"{folder / names.POSES} holds {vertebra_list(strange)}, which {names.QUALITY} does not list; "
            "register the patient again."
        )
    poses = {n: _pose(folder, names.pose_file(n)) for n in numbers}
    try:
        start = Pose(run["start"]["ct_to_mr_lps"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / names.RUN} has no rigid start; register the patient again.") from error
    if not start.is_rigid:
        raise InputError(f"{folder / names.RUN} has a start that is not rigid; register the patient again.")
    return ResultFolder(
        to_ct, to_mr, array_view(field).copy(), Grid.of(field), start, poses, labels, quality, run
    )


def present(folder: Path, name: str) -> Path:
    """The path of a file of results; raises InputError where there is none."""
    path = folder / name
    if not path.is_file():
        raise InputError(f"{folder} holds no {name}; give the whole folder that `spine-ctmr register` wrote.")
    return path


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = present(folder, name)
    content = read_json(path, "register the patient again")
    if not isinstance(content, dict):
        raise InputError(f"{path} was not written by `spine-ctmr register`; give its folder of results.")
    return content


def _judged(quality: dict[str, Any], folder: Path) -> list[int]:
    """VerSe numbers of the vertebrae in the quality table, each with a flag."""
    rows = quality.get("vertebrae")
    sound = isinstance(rows, list) and all(
        isinstance(row, dict)
        and type(row.get("number")) is int
        and row["number"] in VERSE_NUMBERS
        and row.get("flag") in FLAGS
        for row in rows
    )
    numbers = [row["number"] for row in rows] if sound and rows else []
    if not numbers or len(set(numbers)) < len(numbers) or not isinstance(quality.get("warnings", []), list):
        raise InputError(f"{folder / names.QUALITY} is damaged; register the patient again.")
    return numbers


def _pose(folder: Path, name: str) -> Pose:
    pose = Pose.from_sitk(_transform(folder, name))
    if not pose.is_rigid:
        raise InputError(f"{folder / name} holds no rigid motion; register the patient again.")
    return pose


def _transform(folder: Path, name: str) -> sitk.Transform:
    path = present(folder, name)
    with untrusted(path):
        try:
            if path.suffix == ".tfm" and any(len(word) > LONGEST_WORD for word in path.read_bytes().split()):
                raise RuntimeError("no number is that long, and some crash ITK")
            return sitk.ReadTransform(str(path))
        except RuntimeError as error:
            raise InputError(f"{path} is damaged; register the patient again.") from error


def _field(to_ct: sitk.Transform, folder: Path) -> sitk.Image:
    """The displacement field of a composite [rigid, field]."""
    try:
        last = sitk.CompositeTransform(to_ct).GetBackTransform()
        return sitk.DisplacementFieldTransform(last).GetDisplacementField()
    except RuntimeError as error:
        raise InputError(
            f"{folder / names.MR_TO_CT} holds no displacement field; register the patient again."
        ) from error
