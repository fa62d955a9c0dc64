"""Export a registration for surgical planning: reads like the list of what is written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from pydicom.dataset import Dataset

from .. import __version__
from ..imaging.vertebra_names import vertebra_name
from ..progress import Progress, silent, span
from ..results import names
from .deformable_registration import deformable_registration
from .derived_series import derived_series
from .dicom_segmentation import vertebra_segmentation
from .grid_motion import GridMotion, thinned, thinning_error_mm
from .instances import DISCLAIMER, MANUFACTURER, NewSeries
from .models import require_vtk, vertebra_surface, write_model
from .quiet import quiet_dicom
from .request import ExportRequest
from .sources import Source, check_pair, read_source
from .spatial_registration import spatial_registration
from .stored_result import StoredResult, read_result
from .usable import usable_vertebrae
from .vertebra_labels import on_grid, read_labels_of


@dataclass
class _Export:
    """One export on its way.

    Attributes:
        ct: the CT series.
        mr: the MR series.
        result: what is exported.
        numbers: VerSe numbers of the vertebrae that may be used.
        directory: where files go.
        written: number of files by what they are.
        field_error_mm: mean and largest error of a thinned deformation grid, by file.
    """

    ct: Source
    mr: Source
    result: StoredResult
    numbers: list[int]
    directory: Path
    written: dict[str, int] = field(default_factory=dict)
    field_error_mm: dict[str, dict[str, float]] = field(default_factory=dict)


@quiet_dicom()
def export(request: ExportRequest, directory: Path, progress: Progress = silent) -> tuple[str, ...]:
    """Write DICOM objects, and models if asked for, into an existing empty folder.

    Patient and study are those of the source series; series and instances are new.

    Args:
        request: what to export.
        directory: an existing, empty folder.
        progress: told the stage and the share done.

    Returns:
        What the user should know, one sentence each.

    Raises:
        InputError: sources, result and labels do not fit together or cannot be used.
    """
    if request.models:
        require_vtk()
    progress("reading", 0.0)
    ct, mr = read_source(request.ct, "CT"), read_source(request.mr, "MR")
    warnings = [*ct.warnings, *mr.warnings, *check_pair(ct, mr)]
    result = read_result(request.result, ct, mr)
    numbers, doubts = usable_vertebrae(result)
    warnings += doubts
    labels = read_labels_of(request.vertebrae, result, numbers) if request.vertebrae else None
    work = _Export(ct, mr, result, numbers, directory)

    progress("registrations", 0.2)
    _write_rigid(work)
    progress("deformations", 0.25)
    _write_deformations(work, request.grid_spacing_mm, warnings)
    _write_warped_ct(work, span(progress, 0.45, 0.65))
    _write_warped_mr(work, span(progress, 0.65, 0.85))
    progress("segmentations", 0.85)
    _write_segmentations(work, labels)
    if request.models and labels is not None:
        progress("models", 0.92)
        _write_models(work, labels, request.models)
    _write_run(work, request, warnings)
    progress("done", 1.0)
    return tuple(warnings)


def _write_rigid(work: _Export) -> None:
    overall = NewSeries(9001, "Rigid CT to MR (research use)", "REG")
    text = "Rigid CT to MR, overall; research use"
    motion = work.result.global_rigid
    instance = spatial_registration(work.ct, work.mr, motion, overall, 1, "RIGID", text)
    _save(work, [instance], "registration/rigid_ct_to_mr.dcm")
    series = NewSeries(9002, "Rigid CT to MR of single vertebrae (research use)", "REG")
    for index, number in enumerate(work.numbers, start=1):
        name = vertebra_name(number)
        text = f"Rigid CT to MR of {name} only; flag: {work.result.flags.get(number)}; research use"
        pose = work.result.poses[number]
        instance = spatial_registration(work.ct, work.mr, pose, series, index, name, text)
        _save(work, [instance], f"registration/vertebrae/{name}_ct_to_mr.dcm")


def _write_deformations(work: _Export, spacing_mm: float | None, warnings: list[str]) -> None:
    pairs = (
        ("mr_to_ct", work.result.field_mr_to_ct, work.ct, work.mr, 9003),
        ("ct_to_mr", work.result.field_ct_to_mr, work.mr, work.ct, 9004),
    )
    for name, full, moving, fixed, number in pairs:
        motion, note = _stored_motion(work, name, full, spacing_mm, warnings)
        description = f"{moving.modality} deformed to {fixed.modality}{note}; research use"
        series = NewSeries(number, description, "REG")
        instance = deformable_registration(moving, fixed, motion, series, 1, "DEFORMATION", description)
        _save(work, [instance], f"registration/deformable_{name}.dcm")


def _stored_motion(
    work: _Export, name: str, full: GridMotion, spacing_mm: float | None, warnings: list[str]
) -> tuple[GridMotion, str]:
    """The motion to store, and what its error adds to the description."""
    if spacing_mm is None or spacing_mm <= max(full.grid.spacing_mm):
        return full, ""
    motion = thinned(full, spacing_mm)
    mean, largest = thinning_error_mm(full, motion)
    work.field_error_mm[name] = {"mean": round(mean, 4), "max": round(largest, 4)}
    warnings.append(
        f"The deformation {name} on a grid of {spacing_mm:g} mm is off by {largest:.2f} mm at most "
        f"({mean:.3f} mm on average); bones are exact in their own registrations only."
    )
    return motion, f", error up to {largest:.2f} mm"


def _write_warped_ct(work: _Export, progress: Progress) -> None:
    series = NewSeries(9005, "CT in MR space (research use)", "CT")
    result = work.result
    slices = derived_series(
        work.ct, work.mr, result.ct_in_mr, result.mr_to_ct, series, _derivation(work, "CT", "MR")
    )
    _save(work, slices, "ct_in_mr/{:04d}.dcm", progress, work.mr.grid.size[2])


def _write_warped_mr(work: _Export, progress: Progress) -> None:
    series = NewSeries(9006, "MR in CT space (research use)", "MR")
    result = work.result
    slices = derived_series(
        work.mr, work.ct, result.mr_in_ct, result.ct_to_mr, series, _derivation(work, "MR", "CT")
    )
    _save(work, slices, "mr_in_ct/{:04d}.dcm", progress, work.ct.grid.size[2])


def _derivation(work: _Export, content: str, frame: str) -> str:
    return (
        f"{content} resampled onto the slices of the {frame} by {MANUFACTURER} {__version__}: every vertebra "
        f"moved rigidly, soft tissue deformed, linear interpolation. {work.result.verdict} {DISCLAIMER}"
    )


def _write_segmentations(work: _Export, labels: sitk.Image | None) -> None:
    moved = on_grid(work.result.vertebrae_in_mr, work.mr.grid, work.numbers)
    if moved.any():
        series = NewSeries(9007, "CT vertebrae moved to the MR (research use)", "SEG")
        text = "CT vertebrae moved rigidly; research use"
        _save(work, [vertebra_segmentation(work.mr, moved, series, "VERTEBRAE", text)], "vertebrae_in_mr.dcm")
    if labels is not None:
        series = NewSeries(9008, "CT vertebrae (research use)", "SEG")
        own = on_grid(labels, work.ct.grid, work.numbers)
        text = "CT vertebrae as given; research use"
        _save(work, [vertebra_segmentation(work.ct, own, series, "VERTEBRAE", text)], "vertebrae_in_ct.dcm")


def _write_models(work: _Export, labels: sitk.Image, suffix: str) -> None:
    (work.directory / "models").mkdir()
    for number in work.numbers:
        surface = vertebra_surface(labels, number, work.result.poses[number])
        write_model(surface, work.directory / "models" / f"{vertebra_name(number)}.{suffix}")
    work.written["models"] = len(work.numbers)


def _save(
    work: _Export, instances: Iterable[Dataset], name: str, progress: Progress = silent, count: int = 1
) -> None:
    kind = Path(name).parts[0].removesuffix(".dcm")
    for number, instance in enumerate(instances, start=1):
        progress(kind, (number - 1) / count)
        path = work.directory / name.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        instance.save_as(path, enforce_file_format=True)
        work.written[kind] = work.written.get(kind, 0) + 1


def _write_run(work: _Export, request: ExportRequest, warnings: list[str]) -> None:
    """What was written and how exactly; nothing that names the patient, the files or the series."""
    content: dict[str, Any] = {
        "software": {MANUFACTURER: __version__},
        "files": work.written,
        "vertebrae": [vertebra_name(number) for number in work.numbers],
        "grid_spacing_mm": request.grid_spacing_mm,
        "field_error_mm": work.field_error_mm,
        "verdict": work.result.verdict,
        "warnings": len(warnings),
        "note": DISCLAIMER,
    }
    (work.directory / names.RUN).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
