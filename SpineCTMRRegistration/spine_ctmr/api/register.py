"""Register a CT and an MR from Python."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..field_registration import FieldFinder
from ..imaging.given_scheme import given_scheme
from ..imaging.in_memory import ImageSource
from ..imaging.label_schemes import AUTO
from ..imaging.landmarks import LandmarkSource
from ..imaging.read_case import ReadingOptions, read_case
from ..options import RegistrationOptions
from ..progress import Progress, silent
from ..registration import register as register_case
from ..results.registration import Registration


def register(
    ct: ImageSource,
    mr: ImageSource,
    vertebrae: ImageSource,
    mr_landmarks: LandmarkSource | None = None,
    mr_vertebrae: ImageSource | None = None,
    *,
    label_scheme: str | None = AUTO,
    mr_label_scheme: str | None = AUTO,
    case: str = "",
    options: RegistrationOptions | None = None,
    network: str | os.PathLike[str] | None = None,
    network_only: bool = False,
    finder: FieldFinder | None = None,
    progress: Progress = silent,
) -> Registration:
    """Find the transforms between the CT and the MR of a spine.

    Inputs are SimpleITK images or paths, and are not changed; those in memory are checked as those in files.
    Without `mr_landmarks` and `mr_vertebrae` the images choose the level, and the result says so.

    Args:
        ct: CT in HU: an image, a file, or a folder of DICOM files.
        mr: MR of the same spine, likewise.
        vertebrae: vertebra labels of the CT.
        mr_landmarks: vertebral body centres in the MR, LPS mm: `{"L3": (x, y, z), …}`, or a file of them.
        mr_vertebrae: vertebra labels of the MR, instead.
        label_scheme: how the CT's labels are numbered, as `spine-ctmr register --label-scheme` takes it.
        mr_label_scheme: likewise the MR's labels.
        case: what to call the patient in the saved results; give no name or number of the patient.
        options: quality, device, seed, threads.
        network: a network instead of the bundled one, as `spine-ctmr register --network` takes it.
        network_only: whether the network's displacement is the result as it is; no vertebra is rigid then.
        finder: finds a displacement that is the result as it is, such as an `InstanceField`.
        progress: told the stage in words and the share done, in [0, 1].

    Returns:
        The registration, also where it failed its own checks: look at `failure` and `flags` before using it.

    Raises:
        InputError: an input cannot be used; one sentence with the mend.
    """
    if not isinstance(case, str):
        raise InputError(f"The case is a {type(case).__name__}; give text, or leave it out.")
    if options is not None and not isinstance(options, RegistrationOptions):
        raise InputError(
            f'The options are a {type(options).__name__}; give RegistrationOptions(quality="fast") or alike.'
        )
    reading = ReadingOptions(given_scheme(label_scheme), given_scheme(mr_label_scheme), case=case)
    read = read_case(ct, mr, vertebrae, mr_landmarks, mr_vertebrae, reading)
    options = options or RegistrationOptions()
    if network is not None:
        options = replace(options, network=Path(network))
    if network_only:
        options = replace(options, network_only=True)
    return Registration(register_case(read, options, progress, finder))
