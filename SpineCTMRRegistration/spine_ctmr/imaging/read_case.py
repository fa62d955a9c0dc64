"""Everything one registration starts from, read and checked."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from itertools import combinations
from pathlib import Path

from ..errors import InputError
from .case import Case
from .checks import InputNames, check_case
from .label_checks import usable_labels
from .label_schemes import LabelScheme
from .landmarks import read_landmarks_and_warnings
from .reading import read_image
from .segmentation import read_vertebrae


@dataclass(frozen=True)
class ReadingOptions:
    """What a user says about the inputs where they do not say it themselves.

    Attributes:
        label_scheme: how the CT's labels are numbered; None to recognise it.
        mr_label_scheme: likewise the MR's labels.
    """

    label_scheme: LabelScheme | None = None
    mr_label_scheme: LabelScheme | None = None


def read_case(
    ct: Path,
    mr: Path,
    vertebrae: Path,
    mr_landmarks: Path | None = None,
    mr_vertebrae: Path | None = None,
    options: ReadingOptions | None = None,
) -> Case:
    """Reads and checks the inputs of one registration.

    Args:
        ct: CT in HU; file or DICOM folder.
        mr: MR of the same spine; file or DICOM folder.
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
    given = [Path(p) for p in (ct, mr, vertebrae, mr_landmarks, mr_vertebrae) if p is not None]
    _check_distinct(given)
    ct_image, mr_image = read_image(ct), read_image(mr)
    options = options or ReadingOptions()
    found = read_vertebrae(vertebrae, options.label_scheme)
    labels, warnings, about = found.image, found.warnings, {"label_scheme": found.scheme}
    centroids = mr_labels = None
    if mr_landmarks is not None:
        centroids, more = read_landmarks_and_warnings(mr_landmarks)
        warnings += more
    if mr_vertebrae is not None:
        found = read_vertebrae(mr_vertebrae, options.mr_label_scheme, "--mr-label-scheme")
        mr_labels, warnings = found.image, warnings + found.warnings
        about["mr_label_scheme"] = found.scheme
    paths = zip(fields(InputNames), (ct, mr, vertebrae, mr_landmarks, mr_vertebrae), strict=True)
    names = InputNames(**{role.name: str(path) for role, path in paths if path is not None})
    warnings += check_case(ct_image, mr_image, labels, centroids, mr_labels, names)
    labels = usable_labels(labels, ct_image)
    if mr_labels is not None:
        mr_labels = usable_labels(mr_labels, mr_image)
    warnings = tuple(_in_words(w, names) for w in warnings)
    return Case(ct_image, mr_image, labels, centroids, mr_labels, warnings, about)


def _in_words(warning: str, names: InputNames) -> str:
    """A warning that says which input it means, not which file: reports are handed around, names are not."""
    roles = dict(zip(astuple(names), astuple(InputNames()), strict=True))
    for path in sorted(roles, key=len, reverse=True):
        warning = warning.replace(path, roles[path])
    return warning[0].upper() + warning[1:]


def _check_distinct(paths: list[Path]) -> None:
    for first, second in combinations(paths, 2):
        if first.exists() and second.exists() and first.samefile(second):
            raise InputError(f"{first} is given twice; give a different file for each input.")
