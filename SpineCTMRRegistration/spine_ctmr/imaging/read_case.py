"""Everything one registration starts from, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import SimpleITK as sitk
from numpy.typing import ArrayLike

from ..errors import InputError
from ..geometry.grid import Grid
from .case import Case, Centroids, VertebraLabels
from .checks import InputNames, check_case
from .in_memory import ImageSource, image_or_path, volume_in_memory
from .label_checks import usable_labels
from .label_schemes import LabelScheme
from .landmarks import LandmarkSource, landmarks_in_memory, points_or_path, read_landmarks_and_warnings
from .lost_slices import without_lost_slices
from .reading import Scan, read_scan
from .segmentation import OPTION, read_vertebrae, vertebrae_in_memory
from .series_choice import SeriesChoice

MR_OPTION = "--mr-label-scheme"
_NEEDED = ("ct", "mr", "vertebrae")
_MARKED = InputNames(**{role: f"\0{role}\0" for role in asdict(InputNames())})
"""Stands for an input in a message that is told by its role in a report, and by its file in an error."""


@dataclass(frozen=True)
class ReadingOptions:
    """What a user says about the inputs where they do not say it themselves.

    Attributes:
        label_scheme: how the CT's labels are numbered; None to recognise it.
        mr_label_scheme: likewise the MR's labels.
        ct_series: number or a part of the description of the CT in a folder with several series; "" where
            there is one CT.
        mr_series: likewise of the MR.
        case: what to call the patient in the results; "" for nothing.
    """

    label_scheme: LabelScheme | None = None
    mr_label_scheme: LabelScheme | None = None
    ct_series: str = ""
    mr_series: str = ""
    case: str = ""


def read_case(
    ct: ImageSource,
    mr: ImageSource,
    vertebrae: ImageSource,
    mr_landmarks: LandmarkSource | None = None,
    mr_vertebrae: ImageSource | None = None,
    options: ReadingOptions | None = None,
) -> Case:
    """Reads and checks the inputs of one registration; those in memory exactly as those in files.

    Args:
        ct: CT in HU; image, file or DICOM folder.
        mr: MR of the same spine; image, file or DICOM folder.
        vertebrae: vertebra labels of the CT.
        mr_landmarks: vertebra centres in the MR.
        mr_vertebrae: vertebra labels of the MR.
        options: what to choose where the inputs leave a choice.

    Returns:
        The case in native frames (LPS mm) with warnings; vertebrae with too little volume inside
        their image are removed. `mr_centroids` is None unless `mr_landmarks` is given.

    Raises:
        InputError: something missing, unreadable or unfit; one sentence with the mend.
    """
    given = {"ct": ct, "mr": mr, "vertebrae": vertebrae, "mr_vertebrae": mr_vertebrae}
    roles = asdict(InputNames())
    files: dict[str, str] = {}
    try:
        images = {
            role: image_or_path(each, roles[role])
            for role, each in given.items()
            if each is not None or role in _NEEDED
        }
        points = None if mr_landmarks is None else points_or_path(mr_landmarks, roles["mr_landmarks"])
        sources = {**images, **({} if points is None else {"mr_landmarks": points})}
        _check_distinct(sources, roles)
        files |= {role: str(each) for role, each in sources.items() if isinstance(each, Path)}
        case = _case(images, points, options or ReadingOptions())
    except InputError as error:
        raise InputError(_sentence(_named(str(error), {**roles, **files}))) from error
    return replace(case, warnings=tuple(_sentence(_named(warning, roles)) for warning in case.warnings))


def _case(
    images: Mapping[str, sitk.Image | Path],
    points: Mapping[str, ArrayLike] | Path | None,
    options: ReadingOptions,
) -> Case:
    """The case of inputs by role, whose messages hold `_MARKED` in place of the inputs' names."""
    names = _MARKED
    ct_scan = _scan(images["ct"], names.ct, SeriesChoice(options.ct_series, "CT", "--ct-series"))
    mr_scan = _scan(images["mr"], names.mr, SeriesChoice(options.mr_series, "MR", "--mr-series"))
    ct, mr = ct_scan.image, mr_scan.image
    found = _vertebrae(images["vertebrae"], names.vertebrae, options.label_scheme, OPTION)
    labels = found.image
    about = {"ct_series": ct_scan.description, "mr_series": mr_scan.description, "label_scheme": found.scheme}
    warnings = (*ct_scan.warnings, *mr_scan.warnings, *found.warnings)
    centroids = mr_labels = None
    if points is not None:
        centroids, more = _landmarks(points, names.mr_landmarks, Grid.of(mr))
        warnings += more
    if "mr_vertebrae" in images:
        found = _vertebrae(images["mr_vertebrae"], names.mr_vertebrae, options.mr_label_scheme, MR_OPTION)
        mr_labels, warnings = found.image, warnings + found.warnings
        about["mr_label_scheme"] = found.scheme
    warnings += check_case(ct, mr, labels, centroids, mr_labels, names)
    (ct, ct_filled), (mr, mr_filled) = (
        without_lost_slices(image, name) for image, name in ((ct, names.ct), (mr, names.mr))
    )
    warnings += (*ct_filled, *mr_filled)
    labels = usable_labels(labels, ct)
    if mr_labels is not None:
        mr_labels = usable_labels(mr_labels, mr)
    return Case(ct, mr, labels, centroids, mr_labels, warnings, " ".join(options.case.split()), about)


def _scan(source: sitk.Image | Path, name: str, series: SeriesChoice) -> Scan:
    if not isinstance(source, Path):
        return Scan(volume_in_memory(source, name))
    scan = read_scan(source, series)
    return replace(scan, warnings=_marked(scan.warnings, source, name))


def _vertebrae(
    source: sitk.Image | Path, name: str, scheme: LabelScheme | None, option: str
) -> VertebraLabels:
    if not isinstance(source, Path):
        return vertebrae_in_memory(source, name, scheme, option.removeprefix("--").replace("-", "_"))
    found = read_vertebrae(source, scheme, option)
    return replace(found, warnings=_marked(found.warnings, source, name))


def _landmarks(
    source: Mapping[str, ArrayLike] | Path, name: str, mr: Grid
) -> tuple[Centroids, tuple[str, ...]]:
    if not isinstance(source, Path):
        return landmarks_in_memory(source, name)
    centroids, warnings = read_landmarks_and_warnings(source, mr)
    return centroids, _marked(warnings, source, name)


def _marked(warnings: tuple[str, ...], path: Path, mark: str) -> tuple[str, ...]:
    """Warnings of a reader, which begin with the file, with a mark instead."""
    return tuple(mark + w.removeprefix(str(path)) if w.startswith(str(path)) else w for w in warnings)


def _named(message: str, names: Mapping[str, str]) -> str:
    """A message with names by role in place of the marks: reports, which are handed around, name no file."""
    return re.sub("\0(.*?)\0", lambda mark: names[mark[1]], message)


def _sentence(text: str) -> str:
    """A message that begins with a capital letter where it begins with a word and not with a path."""
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def _check_distinct(sources: Mapping[str, object], roles: Mapping[str, str]) -> None:
    for (role, first), (_, second) in combinations(sources.items(), 2):
        if first is second or _is_same_file(first, second):
            name = first if isinstance(first, Path) else roles[role]
            raise InputError(f"{name} is given twice; give a different one for each input.")


def _is_same_file(first: object, second: object) -> bool:
    if not (isinstance(first, Path) and isinstance(second, Path)):
        return False
    return first.is_file() and second.is_file() and first.samefile(second)
