"""The demonstration: a phantom patient, registered, and the errors against its truth."""

from __future__ import annotations

import json
from pathlib import Path

from .errors import RegistrationFailed
from .evaluation.truth import TruthErrors, errors_against_truth, pose_errors
from .evaluation.truth_points import phantom_truth
from .imaging.vertebra_names import vertebra_name
from .options import RegistrationOptions
from .phantoms.phantom import make_phantom
from .phantoms.phantom_files import DEMO_PATIENT, write_phantom
from .progress import Progress, span
from .registration import register
from .results import names
from .results.registration import Registration
from .results.writer import write_results


def run_demo(directory: Path, options: RegistrationOptions, progress: Progress) -> str:
    """Make the demo patient, register it, write everything, and return the errors as a text.

    Args:
        directory: an existing, empty folder.
        options: of the registration; its seed chooses the patient.
        progress: told the stage and the share done.

    Raises:
        RegistrationFailed: after the results are written, if the registration failed its own checks.
    """
    phantom = make_phantom(options.seed, DEMO_PATIENT, span(progress, 0.0, 0.5))
    result = register(phantom.case, options, span(progress, 0.5, 0.85))
    progress("writing the patient", 0.85)
    (directory / names.PATIENT).mkdir()
    write_phantom(phantom, directory / names.PATIENT)
    registration = Registration(result)
    write_results(registration, directory, span(progress, 0.87, 0.95))
    if registration.failure:
        raise RegistrationFailed(registration.failure)
    progress("comparing with the truth", 0.95)
    known = phantom_truth(phantom)
    start = pose_errors(known.bone, dict.fromkeys(phantom.poses, result.found.start.global_rigid))
    errors = errors_against_truth(known, result.deformation)
    truth = {"start_bone": start, **errors.as_dict()}
    (directory / names.TRUTH).write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    progress("done", 1.0)
    return _summary(start, errors)


def _summary(start: dict[int, float], errors: TruthErrors) -> str:
    lines = ["Error against the truth of the synthetic patient, mm:", "  vertebra   rigid start   registered"]
    lines += [f"  {vertebra_name(n):<9}{start[n]:12.2f}{errors.bone[n]:13.2f}" for n in start]
    lines += [
        f"  soft tissue within 25 mm of bone: {errors.soft_mean:.2f}",
        f"  deviation from rigid in bone: {errors.rigid_deviation:.4f}; folding voxels: {errors.folds}; "
        f"inverse consistency: {errors.inverse_mean:.3f}",
        "The patient, and those the network learned from, are synthetic.",
        "For research use; not a medical device.",
    ]
    return "\n".join(lines)
