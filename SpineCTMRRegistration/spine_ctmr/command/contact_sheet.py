"""`spine-ctmr contact-sheet`: a picture of the patients that networks learn from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import InputError
from ..process.staging import staged_file
from .options import coordinate_mm, require_image, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr contact-sheet --output patients.png
  spine-ctmr contact-sheet --output patients.png --patients 12 --seed 7 --overwrite
  spine-ctmr contact-sheet --output patients.png --anatomy label_maps/ --beside mr.nii.gz"""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="PNG picture to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--anatomy",
        type=Path,
        metavar="FOLDER",
        help="vertebra label maps of any CTs, whose spines the patients get; or a subfolder for each, with "
        "ct and ct_labels, to show the CT's own grey values",
    )
    parser.add_argument(
        "--beside", type=Path, metavar="MR", help="a real MR to show above the synthetic ones"
    )
    parser.add_argument(
        "--at",
        type=coordinate_mm,
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="place in the real MR, LPS mm, that the cuts go through (default: its middle)",
    )
    parser.add_argument(
        "--patients", type=whole_number(1, 100), default=6, metavar="N", help="rows of the sheet (default: 6)"
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0),
        default=100,
        metavar="S",
        help="which patients; the same seed gives the same patients (default: 100)",
    )


def _check(arguments: Namespace) -> None:
    require_image("MR", arguments.beside)
    if arguments.at is not None and arguments.beside is None:
        raise InputError("--at is a place in the real MR; give that MR with --beside, or leave --at out.")
    path: Path = arguments.output
    if path.suffix.lower() != ".png":
        raise InputError(f"The output '{path}' is no PNG file; give a name that ends in .png.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder of the output '{path}' does not exist; create it first.")
    if path.is_dir():
        raise InputError(f"The output '{path}' is a folder; give the name of a file.")
    if path.exists() and not arguments.overwrite:
        raise InputError(f"The output '{path}' exists; choose another name or add --overwrite.")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("preparing", 0.0)

    from ..imaging.reading import read_image
    from ..phantoms.contact_sheet import draw_contact_sheet
    from ..phantoms.patient_sources import parametric_anatomy
    from ..phantoms.segmented_spines import SegmentedSpines, label_maps

    anatomies = parametric_anatomy
    if arguments.anatomy is not None:
        anatomies = SegmentedSpines(label_maps(arguments.anatomy))
    beside = None if arguments.beside is None else read_image(arguments.beside)
    path: Path = arguments.output.absolute()
    with staged_file(path) as new:
        draw_contact_sheet(new, arguments.seed, arguments.patients, reporter, anatomies, beside, arguments.at)
    reporter.result(path)


SUBCOMMAND = Subcommand(
    name="contact-sheet",
    summary="Draw synthetic patients, as networks see them in training, on one sheet.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="drawing",
    memory_advice="close other programs and run it again",
    grace_s=2.0,
)
