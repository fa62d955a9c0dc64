"""Write a registration to a folder: transforms, images, quality, report."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from .. import __version__
from ..deformation.warping import carried
from ..geometry.grid import Grid
from ..network.runtime import LoadedNetwork
from ..process.memory import give_back, peak_memory_mb
from ..process.threads import beside
from ..process.writing import written
from ..progress import Progress, silent
from ..quality.assessment import Assessment
from ..quality.privacy import without_paths
from ..quality.quality_files import write_quality_csv, write_quality_json
from ..registration_result import RegistrationResult
from ..report.pictures import Moved, PlanePictures, plane_pictures, volume_change_pictures
from ..report.strip import vertebra_strip
from ..report.viewer import Shown, packed_images
from . import names
from .pages import Pictures, packages, write_pages
from .registration import Registration
from .transform_file import write_composite

COMPRESSION = 1
"""zlib level of the images: the fastest, nearly as small."""


def write_results(registration: Registration, directory: Path, progress: Progress = silent) -> None:
    """Write all files of a registration into an existing folder.

    The files and the pictures are made side by side, but one image after the other is resampled: each needs
    the transform in double precision.

    Args:
        registration: what was registered, whether or not it failed its own checks.
        directory: an existing, empty folder.
        progress: told the stage and the share done.
    """
    made = datetime.now().astimezone()
    result = registration.result
    case, deformation = result.case, result.deformation
    progress("warping the images", 0.0)
    with beside() as resampling, beside() as background:
        ct = resampling.submit(_write_ct_in_mr, registration, directory)
        transforms = background.submit(_write_transforms, result, directory)
        strip = background.submit(vertebra_strip, case, deformation.poses, result.found.start.ct_centers)
        labels = registration.vertebrae_in_mr
        _write(labels, directory / names.VERTEBRAE_IN_MR)
        jacobian = registration.jacobian
        jacobian_file = background.submit(_write, jacobian, directory / names.JACOBIAN)
        volume_change = background.submit(volume_change_pictures, case.mr, jacobian, labels)
        start = result.found.start
        shown = Shown(
            case, deformation, start.global_rigid, start.ct_centers, registration.determinant, labels
        )
        images = resampling.submit(packed_images, shown)
        mr = resampling.submit(_write_mr_in_ct, registration, directory)
        progress("measuring quality", 0.4)
        assessment = registration.assessment
        write_quality_json(directory / names.QUALITY, assessment.vertebrae, assessment.overall, result.notes)
        write_quality_csv(directory / names.QUALITY_TABLE, assessment.vertebrae)
        progress("writing the report", 0.6)
        planes = _planes(result, ct.result(), labels)
        pictures = Pictures(planes, volume_change.result(), strip.result())
        pages = background.submit(write_pages, directory, result, assessment, pictures, shown, images, made)
        progress("writing the images", 0.8)
        for written in (mr, transforms, jacobian_file, pages):
            written.result()
    (directory / names.RUN).write_text(
        json.dumps(_run(result, assessment, made), indent=2) + "\n", encoding="utf-8"
    )
    progress("writing the images", 1.0)


def _write(image: sitk.Image, path: Path) -> None:
    with written(path):
        sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=COMPRESSION)
    give_back()


def _write_ct_in_mr(registration: Registration, directory: Path) -> sitk.Image:
    _write(registration.ct_in_mr, directory / names.CT_IN_MR)
    return registration.ct_in_mr


def _write_mr_in_ct(registration: Registration, directory: Path) -> None:
    _write(registration.mr_in_ct, directory / names.MR_IN_CT)


def _write_transforms(result: RegistrationResult, directory: Path) -> None:
    deformation = result.deformation
    for name, parts in (
        (names.MR_TO_CT, deformation.mr_to_ct_parts),
        (names.CT_TO_MR, deformation.ct_to_mr_parts),
    ):
        path = directory / name
        with written(path):
            write_composite(parts, path)
    (directory / names.POSES).mkdir()
    for number, found in result.found.vertebrae.items():
        pose = found.pose.to_sitk(result.found.start.ct_centers[number])
        path = directory / names.pose_file(number)
        with written(path):
            sitk.WriteTransform(pose, str(path))


def _planes(result: RegistrationResult, warped: sitk.Image, labels: sitk.Image) -> dict[str, PlanePictures]:
    case, start = result.case, result.found.start.global_rigid
    before = Moved(carried(case.ct, start), carried(case.vertebrae, start))
    return plane_pictures(case.mr, before, Moved(warped, labels))


def _run(result: RegistrationResult, assessment: Assessment, made: datetime) -> dict[str, Any]:
    """What is needed to repeat the run; nothing that names the patient or the files."""
    start, options, case = result.found.start, result.options, result.case
    chosen = {name: getattr(options, name) for name in ("quality", "device", "seed", "threads")}
    own = result.own_field
    images = {name: asdict(Grid.of(image)) for name, image in (("ct", case.ct), ("mr", case.mr))}
    return {
        "case": without_paths(case.label),
        "date": made.isoformat(timespec="seconds"),
        "software": {"SpineCTMRRegistration": __version__, **packages()},
        "network": _network(result.found.network),
        "own_field": None if own is None else {"origin": own.origin, "bent_mm": dict(own.bent_mm)},
        "options": chosen,
        "inputs": {name: without_paths(text) for name, text in case.about.items()},
        "start": {"found_by": start.found_by, "ct_to_mr_lps": start.global_rigid.matrix.tolist()},
        "images": images,
        "seconds": result.seconds,
        "peak_memory_mb": peak_memory_mb(),
        "warnings": len(result.notes),
        "failure": assessment.failure,
    }


def _network(network: LoadedNetwork | None) -> dict[str, Any] | None:
    if network is None:
        return None
    return {**network.card.identity, "device": network.device}
