"""Give the registration wrong inputs of patients whose truth is known, and write what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from ....choices import Quality
from ....errors import InputError
from ....evaluation.truth_points import phantom_bone
from ....options import RegistrationOptions
from ....phantoms.phantom import PhantomOptions, make_phantom
from ....progress import Progress, silent
from ..cases import CaseFiles, find_cases
from ..kernel import Method, Patient, run_study
from .known import Known
from .outcome import measure
from .report import write_report
from .wrong_images import WRONG as WRONG_IMAGES
from .wrong_input import WrongInput
from .wrong_labels import WRONG as WRONG_LABELS
from .wrong_landmarks import WRONG as WRONG_LANDMARKS

WRONG_INPUTS: tuple[WrongInput, ...] = (*WRONG_IMAGES, *WRONG_LABELS, *WRONG_LANDMARKS)
PATIENT = PhantomOptions(levels=(21, 22, 23, 24), margin_mm=24.0)
FIRST_SEED, OTHER_SEED = 61_000, 61_500
"""Of the phantoms, and of the patient with whom theirs are mixed up."""

Pair = tuple[Known, Known]
"""A patient and another one."""


def phantom_patients(count: int) -> list[Patient[Pair]]:
    """Phantoms that no training and no other study uses."""
    return [
        Patient(f"phantom-{seed}", partial(_with_another, partial(_phantom, seed)), "phantom")
        for seed in range(FIRST_SEED, FIRST_SEED + count)
    ]


def case_patients(folder: Path) -> list[Patient[Pair]]:
    """Real anatomy with known truth.

    Raises:
        InputError: there is none, or a case lacks landmarks or true points.
    """
    cases = find_cases(folder)
    for name, files in cases.items():
        if files.truth is None or files.mr_landmarks is None:
            raise InputError(
                f"The case '{name}' needs mr_landmarks and truth_points.npz to be made wrong; add them."
            )
    return [
        Patient(name, partial(_with_another, partial(_case, files)), "real anatomy")
        for name, files in cases.items()
    ]


def chosen(names: Sequence[str] | None) -> list[WrongInput]:
    """The wrong inputs of some names, or all.

    Raises:
        InputError: a name is unknown.
    """
    known = {wrong.name: wrong for wrong in WRONG_INPUTS}
    if unknown := [name for name in names or () if name not in known]:
        raise InputError(f"wrong input '{unknown[0]}': unknown; choose from {', '.join(known)}.")
    return [known[name] for name in names or known]


def run_wrong_inputs(
    patients: Sequence[Patient[Pair]],
    wrongs: Sequence[WrongInput],
    quality: Quality,
    output: Path,
    progress: Progress = silent,
) -> Path:
    """Write wrong-inputs.md; return its path (`run_study`)."""
    options = RegistrationOptions(quality=quality)
    methods: list[Method[Pair]] = [
        Method(wrong.name, wrong.title, partial(measure, wrong=wrong, options=options)) for wrong in wrongs
    ]
    return run_study(patients, methods, output, partial(write_report, output, wrongs, quality), progress)


def _with_another(make: partial[Known]) -> Pair:
    return make(), _phantom(OTHER_SEED)


@cache
def _phantom(seed: int) -> Known:
    phantom = make_phantom(seed, PATIENT)
    return Known(phantom.case, phantom_bone(phantom), phantom.case.vertebrae)


def _case(files: CaseFiles) -> Known:
    subject = files.read()
    assert subject.truth is not None
    return Known(subject.case, subject.truth.bone, subject.case.vertebrae)
