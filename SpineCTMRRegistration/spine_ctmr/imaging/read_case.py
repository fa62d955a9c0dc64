"""Everything one registration starts from, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
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
    try:
        images = {role: image_or_path(each, roles[role]) for role, each in given.items() if each is not None}
        points = None if mr_landmarks is None else points_or_path(mr_landmarks, roles["mr_landmarks"])
        sources = {**images, **({} if points is None else {"mr_landmarks": points})}
        _check_distinct(sources, roles)
        names = InputNames(**{role: str(each) for role, each in sources.items() if isinstance(each, Path)})
        return _case(images, points, names, options or ReadingOptions())
    except InputError as error:
        raise InputError(_sentence(str(error))) from error


def _case(
    images: Mapping[str, sitk.Image | Path],
    points: Mapping[str, ArrayLike] | Path | None,
    names: InputNames,
    options: ReadingOptions,
) -> Case:
    """The case of inputs by role; see `read_case`."""
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
    warnings = tuple(_in_words(w, names) for w in warnings)
    return Case(ct, mr, labels, centroids, mr_labels, warnings, " ".join(options.case.split()), about)


def _scan(source: sitk.Image | Path, name: str, series: SeriesChoice) -> Scan:
    return read_scan(source, series) if isinstance(source, Path) else Scan(volume_in_memory(source, name))


def _vertebrae(
    source: sitk.Image | Path, name: str, scheme: LabelScheme | None, option: str
) -> VertebraLabels:
    if isinstance(source, Path):
        return read_vertebrae(source, scheme, option)
    return vertebrae_in_memory(source, name, scheme, option.removeprefix("--").replace("-", "_"))


def _landmarks(
    source: Mapping[str, ArrayLike] | Path, name: str, mr: Grid
) -> tuple[Centroids, tuple[str, ...]]:
    if isinstance(source, Path):
        return read_landmarks_and_warnings(source, mr)
    return landmarks_in_memory(source, name)


def _in_words(warning: str, names: InputNames) -> str:
    """A warning that says which input it means, not which file: reports are handed around, names are not."""
    roles = dict(zip(astuple(names), astuple(InputNames()), strict=True))
    for path in sorted(roles, key=len, reverse=True):
        warning = warning.replace(path, roles[path])
    return warning[0].upper() + warning[1:]


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
