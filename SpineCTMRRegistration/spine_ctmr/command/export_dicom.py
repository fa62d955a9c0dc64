"""`spine-ctmr export-dicom`: a result as DICOM objects and models for surgical planning."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from ..errors import InputError
from ..planning.request import ExportRequest
from ..process.staging import require_apart
from .options import add_output_options, require_image
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr export-dicom result --ct CT_DICOM/ --mr MR_DICOM/ --output planning
  spine-ctmr export-dicom result --ct CT_DICOM/ --mr MR_DICOM/ \\
      --vertebrae Segmentation.seg.nrrd --models stl --output planning

Patient and study come from the two series and from nowhere else. The files carry the patient's
name if the series do."""


def _millimetres(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise ArgumentTypeError(f"'{text}' is not a number of mm between 0 and 100")
    return value


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("result", type=Path, metavar="RESULT", help="folder that `spine-ctmr register` wrote")
    for name in ("ct", "mr"):
        parser.add_argument(
            f"--{name}",
            type=Path,
            required=True,
            metavar="DICOM_DIR",
            help=f"folder of the {name.upper()} series that was registered",
        )
    parser.add_argument(
        "--vertebrae",
        type=Path,
        metavar="LABELS",
        help="the CT vertebra segmentation that was registered, to be written as DICOM too",
    )
    parser.add_argument(
        "--models",
        choices=("stl", "vtp"),
        help="also write surface models of the vertebrae in MR space, in LPS mm; needs --vertebrae",
    )
    parser.add_argument(
        "--grid-spacing",
        type=_millimetres,
        metavar="MM",
        help="store the deformation on a coarser grid; its error is measured and told "
        "(default: every vector, some 70 MB for each direction)",
    )
    add_output_options(parser)


def _request(arguments: Namespace) -> ExportRequest:
    return ExportRequest(
        result=arguments.result,
        ct=arguments.ct,
        mr=arguments.mr,
        vertebrae=arguments.vertebrae,
        models=arguments.models,
        grid_spacing_mm=arguments.grid_spacing,
    )


def _check(arguments: Namespace) -> None:
    for name, folder in (("result", arguments.result), ("CT", arguments.ct), ("MR", arguments.mr)):
        if not folder.is_dir():
            problem = "is a file" if folder.exists() else "does not exist"
            raise InputError(f"The {name} folder '{folder}' {problem}; give a folder.")
    require_image("vertebra segmentation", arguments.vertebrae)
    _request(arguments)
    inputs = (arguments.result, arguments.ct, arguments.mr, arguments.vertebrae)
    require_apart(arguments.output, [path for path in inputs if path is not None])


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("reading", 0.0)

    from ..planning.export import export

    for sentence in export(_request(arguments), arguments.output, reporter):
        reporter.warning(sentence)


SUBCOMMAND = Subcommand(
    name="export-dicom",
    summary="Write a result as DICOM registrations, derived series and segmentations for planning.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    noun="export",
    memory_advice="close other programs and run it again",
)
