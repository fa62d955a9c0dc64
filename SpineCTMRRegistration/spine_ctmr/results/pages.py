"""The pages of a result: the report to read and print, the viewer to scroll and sign."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .. import __version__
from ..quality.assessment import Assessment
from ..registration_result import RegistrationResult
from ..report.drawing import Rgb
from ..report.page import Report, write_report
from ..report.pictures import PlanePictures, as_jpeg, as_png, before_after_overview, heatmap
from ..report.viewer import Shown, write_viewer
from ..report.viewer_images import ViewerImages
from . import names
from .sign_off import fingerprint

OVERVIEW_CAPTION = "MR with the CT's bone and the outlines of the vertebrae, before and after"
METHOD = "One rigid pose per vertebra was refined on the images, and the soft tissue followed."
HEATMAP_CAPTION = "Jacobian determinant: CT volume per MR volume (1 = kept)"


@dataclass(frozen=True)
class Pictures:
    """What the pages show.

    Attributes:
        planes: MR, CT and both together, before and after, by plane.
        volume_change: pictures of det J by plane.
        strip: a JPEG of each vertebra in its own planes by vertebra name.
    """

    planes: Mapping[str, PlanePictures]
    volume_change: Mapping[str, Rgb]
    strip: Mapping[str, bytes]


def write_pages(
    directory: Path,
    result: RegistrationResult,
    assessment: Assessment,
    pictures: Pictures,
    shown: Shown,
    images: Future[tuple[ViewerImages, dict[str, str]]],
    made: datetime,
) -> None:
    """Write report, viewer and the two pictures that also the viewer shows where it cannot draw.

    Args:
        directory: with the quality file.
        result: what was registered.
        assessment: its quality.
        pictures: of the report.
        shown: what the viewer shows.
        images: `packed_images` of it, under way.
        made: when.
    """
    write_report(directory / names.REPORT, _report(result, assessment, pictures, made))
    overview, volume_change = before_after_overview(pictures.planes), heatmap(pictures.volume_change)
    (directory / names.OVERVIEW).write_bytes(as_png(overview))
    (directory / names.HEATMAP).write_bytes(as_png(volume_change))
    write_viewer(
        directory / names.VIEWER,
        shown,
        images.result(),
        assessment.vertebrae,
        assessment.failure,
        fingerprint(directory),
        {OVERVIEW_CAPTION: as_jpeg(overview), HEATMAP_CAPTION: as_jpeg(volume_change)},
    )


def packages() -> dict[str, str]:
    """Versions of what computes, by name."""
    import torch

    return {
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "SimpleITK": sitk.Version.VersionString(),
        "torch": torch.__version__,
    }


def _report(result: RegistrationResult, assessment: Assessment, pictures: Pictures, made: datetime) -> Report:
    start, network, about = result.found.start, result.found.network, result.case.about
    ran = [] if network is None else [f"Network {network.card.name} ran on {network.device}."]
    series = {image: about.get(f"{image.lower()}_series") for image in ("CT", "MR")}
    notes = [
        *(f"{image}: series {text}." for image, text in series.items() if text),
        f"Rigid start from: {start.found_by}.",
        *ran,
        *([] if result.own_field is not None else [METHOD]),
        *result.notes,
    ]
    used = {} if network is None else {"Network": network.card.name}
    return Report(
        case=result.case.label,
        made_on=made.strftime("%Y-%m-%d"),
        rows=assessment.vertebrae,
        failure=assessment.failure,
        planes=pictures.planes,
        strip=pictures.strip,
        volume_change=pictures.volume_change,
        determinants=assessment.bone_determinants,
        overall=assessment.overall,
        notes=notes,
        versions={"SpineCTMRRegistration": __version__, **used, **packages()},
        viewer=names.VIEWER,
    )
