"""`spine-ctmr register`: one patient's CT and MR to a folder of results."""

from __future__ import annotations

import importlib
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from threading import Thread

from ..errors import RegistrationFailed
from ..imaging.given_scheme import given_scheme
from ..process.staging import require_apart
from ..progress import span
from .field_options import INSTANCE, add_field_options, check_field_options, field_finder
from .options import (
    add_label_scheme,
    add_output_options,
    add_registration_options,
    check_registration_options,
    registration_options,
    require_file,
    require_image,
)
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr register ct.nii.gz mr.nii.gz --vertebrae ct_labels.nii.gz --output result
  spine-ctmr register CT_DICOM/ MR_DICOM/ --vertebrae Segmentation.seg.nrrd \\
      --mr-landmarks F.mrk.json --output result --quality best
  spine-ctmr register STUDY/ STUDY/ --ct-series "Spine 1.0 B60s" --mr-series 4 --vertebrae SEG.dcm \\
      --output result
  spine-ctmr register ct.nii.gz mr.nii.gz --vertebrae ct_labels.nii.gz --output result \\
      --network runs/jian_pc --network-only

Vertebra labels: named segments ("L1", "vertebrae_L1") or the numbers of a known program, VerSe's first
(C1=1 ... L5=24); which one it was is told, and --label-scheme says it where that is not clear.
Landmarks: vertebral body centres, from Slicer (.mrk.json) or as JSON {"L1": [x, y, z], ...} in LPS mm.
All transforms are written in LPS mm."""

LOADED_BESIDE_TORCH = ("scipy.ndimage", "scipy.optimize", "scipy.spatial.transform", "onnxruntime")
"""Imported while a thread still imports torch, for which everything else that needs them would wait."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ct", type=Path, metavar="CT", help="CT image in HU: a file or a DICOM folder")
    parser.add_argument("mr", type=Path, metavar="MR", help="MR image: a file or a DICOM folder")
    parser.add_argument(
        "--vertebrae", type=Path, required=True, metavar="LABELS", help="vertebra segmentation of the CT"
    )
    levels = parser.add_mutually_exclusive_group()
    levels.add_argument(
        "--mr-landmarks",
        type=Path,
        metavar="FILE",
        help="named vertebral body centres in the MR, LPS mm; without them the level is found by the images",
    )
    levels.add_argument(
        "--mr-vertebrae", type=Path, metavar="LABELS", help="vertebra segmentation of the MR, instead"
    )
    for name in ("ct", "mr"):
        parser.add_argument(
            f"--{name}-series",
            default="",
            metavar="SERIES",
            help=f"which series of a DICOM folder is the {name.upper()}, if it holds several: its number in "
            "the list that is shown then, or a part of its description",
        )
    parser.add_argument(
        "--case",
        default="",
        metavar="LABEL",
        help="what to call this case in report, viewer and run.json; no name or number of the patient",
    )
    add_label_scheme(parser, whose="CT's ")
    add_label_scheme(parser, "--mr-label-scheme", "MR's ")
    add_output_options(parser)
    add_registration_options(parser, INSTANCE)
    add_field_options(parser)


def _inputs(arguments: Namespace) -> list[Path]:
    paths = (arguments.ct, arguments.mr, arguments.vertebrae, arguments.mr_landmarks, arguments.mr_vertebrae)
    return [path for path in paths if path is not None]


def _check(arguments: Namespace) -> None:
    require_image("CT", arguments.ct)
    require_image("MR", arguments.mr)
    require_image("vertebra segmentation", arguments.vertebrae)
    require_image("MR vertebra segmentation", arguments.mr_vertebrae)
    require_file("landmark file", arguments.mr_landmarks, "give a .mrk.json or JSON file of points in LPS mm")
    given_scheme(arguments.label_scheme)
    given_scheme(arguments.mr_label_scheme)
    check_registration_options(arguments)
    check_field_options(arguments)
    require_apart(arguments.output, _inputs(arguments))


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("reading", 0.0)
    Thread(target=_load, args=("torch",), daemon=True).start()

    from ..imaging.read_case import ReadingOptions, read_case

    schemes = given_scheme(arguments.label_scheme), given_scheme(arguments.mr_label_scheme)
    case = read_case(
        arguments.ct,
        arguments.mr,
        arguments.vertebrae,
        arguments.mr_landmarks,
        arguments.mr_vertebrae,
        ReadingOptions(*schemes, arguments.ct_series, arguments.mr_series, arguments.case),
    )
    for sentence in case.warnings:
        reporter.warning(sentence)

    for name in LOADED_BESIDE_TORCH:
        _load(name)

    from ..registration import register
    from ..results.registration import Registration
    from ..results.writer import write_results

    finder = field_finder(arguments, reporter.warning)
    result = register(case, registration_options(arguments), span(reporter, 0.1, 0.85), finder)
    registration = Registration(result)
    write_results(registration, arguments.output, span(reporter, 0.85, 1.0))
    reporter("done", 1.0)
    if registration.failure:
        raise RegistrationFailed(registration.failure)


def _load(name: str) -> None:
    """Import a package ahead of its first use."""
    with suppress(Exception):  # told where it is needed
        importlib.import_module(name)


SUBCOMMAND = Subcommand(
    name="register",
    summary="Register a CT and an MR of the same spine; every vertebra moves exactly rigidly.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
)
