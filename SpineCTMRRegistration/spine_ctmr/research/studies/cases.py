"""Patients of a study: phantoms, real pairs, and cases whose truth another program made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...evaluation.landmark_pairs import LandmarkPair, read_landmark_pairs
from ...evaluation.truth_points import TruthPoints, phantom_truth, read_truth_points
from ...imaging.case import Case
from ...imaging.patient_files import CT, CT_LABELS, MR, MR_LABELS, MR_LANDMARKS, TRUTH, role
from ...imaging.read_case import read_case
from ...phantoms.phantom import PhantomOptions, make_phantom

MR_BODIES, LANDMARKS = "mr_bodies", "landmarks"
EXAMPLE = "ct.nii.gz, mr.nii.gz, ct_labels.nii.gz and mr_landmarks.json or mr_labels.nii.gz"


@dataclass(frozen=True)
class Subject:
    """What there is to register, and what is known about it.

    Attributes:
        case: the checked inputs.
        truth: places whose true places are known, if any.
        landmarks: places that someone marked in both images.
    """

    case: Case
    truth: TruthPoints | None = None
    landmarks: tuple[LandmarkPair, ...] = ()


def phantom_subject(seed: int, options: PhantomOptions) -> Subject:
    """A phantom with its truth."""
    phantom = make_phantom(seed, options)
    return Subject(phantom.case, phantom_truth(phantom))


@dataclass(frozen=True)
class CaseFiles:
    """The files of one patient; see `read_case` for the inputs.

    Attributes:
        ct, mr, vertebrae, mr_landmarks, mr_vertebrae: of a registration.
        truth: true points, if known (`read_truth_points`).
        landmarks: pairs of landmarks, if any (`read_landmark_pairs`).
    """

    ct: Path
    mr: Path
    vertebrae: Path
    mr_landmarks: Path | None = None
    mr_vertebrae: Path | None = None
    truth: Path | None = None
    landmarks: Path | None = None

    def read(self) -> Subject:
        """The patient.

        Raises:
            InputError: something is unreadable or unfit.
        """
        case = read_case(self.ct, self.mr, self.vertebrae, self.mr_landmarks, self.mr_vertebrae)
        truth = None if self.truth is None else read_truth_points(self.truth)
        pairs = () if self.landmarks is None else tuple(read_landmark_pairs([self.landmarks]))
        return Subject(case, truth, pairs)


def find_cases(folder: Path) -> dict[str, CaseFiles]:
    """The patients in a folder by name: its subfolders that hold a CT, or the folder itself.

    Raises:
        InputError: there is none, or one lacks a file.
    """
    places = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
    found = [place for place in places if _file(place, CT) is not None]
    if not found:
        raise InputError(f"The folder '{folder}' holds no case; give folders with {EXAMPLE}.")
    return {place.resolve().name: _files_of(place) for place in found}


def _files_of(place: Path) -> CaseFiles:
    ct, mr, labels = (_needed(place, name) for name in (CT, MR, CT_LABELS))
    centers = _file(place, MR_LANDMARKS)
    mr_labels = None
    if centers is None:
        mr_labels = _file(place, MR_LABELS) or _file(place, MR_BODIES) or _needed(place, MR_LABELS)
    return CaseFiles(ct, mr, labels, centers, mr_labels, _file(place, TRUTH), _file(place, LANDMARKS))


def _needed(place: Path, name: str) -> Path:
    path = _file(place, name)
    if path is None:
        raise InputError(f"The case '{place}' has no {name}; give {EXAMPLE}.")
    return path


def _file(place: Path, name: str) -> Path | None:
    """The file, or folder of DICOM, with this `role`."""
    return next((path for path in sorted(place.glob("*")) if role(path) == name), None)
