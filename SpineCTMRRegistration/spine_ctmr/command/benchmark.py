"""`spine-ctmr benchmark`: this registration and others on the same patients."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import InputError
from .options import require_file, require_folder, require_image, require_no_file, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr benchmark --output benchmark
  spine-ctmr benchmark --output benchmark --methods elastix elastix-rigidity --patients 3 --scaling
  spine-ctmr benchmark --output benchmark --kinds --cases elastic
  spine-ctmr benchmark --output benchmark --ct ct.nii.gz --mr mr.nii.gz --vertebrae ct_labels.nii.gz \\
      --mr-vertebrae mr_labels.nii.gz --landmarks pairs.json

Others: rigid-start, per-vertebra-mi, elastix, elastix-rigidity (package itk-elastix), ants-syn (antspyx) and
convex-adam (convexAdam); `pip install itk-elastix antspyx convexAdam`. What is missing is skipped and named.
Interrupted, it goes on where it stopped when started again with the same arguments."""
PAIR = ("ct", "mr", "vertebrae")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for tables and figures",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="compare with these only (default: all installed)",
    )
    phantoms = parser.add_argument_group("phantoms")
    phantoms.add_argument(
        "--kinds",
        nargs="*",
        default=["T1 1 mm", "T2 4 mm slices flexed"],
        metavar="KIND",
        help="kinds of phantoms, such as 'T1 1 mm'; none for the real pair alone",
    )
    phantoms.add_argument("--levels", nargs="+", metavar="L1", help="their vertebrae (default: L1 to L5)")
    phantoms.add_argument(
        "--patients", type=whole_number(1), default=1, metavar="N", help="phantoms of each kind (default: 1)"
    )
    phantoms.add_argument(
        "--scaling", action="store_true", help="also how time and memory grow with volume and vertebrae"
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="FOLDER",
        help="register the cases in this folder: in each subfolder ct, mr, ct_labels, and mr_landmarks or "
        "mr_labels; with truth_points.npz or landmarks.json, errors are measured",
    )
    pair = parser.add_argument_group("a real pair")
    pair.add_argument("--ct", type=Path, metavar="CT", help="CT image in HU")
    pair.add_argument("--mr", type=Path, metavar="MR", help="MR image")
    pair.add_argument("--vertebrae", type=Path, metavar="LABELS", help="vertebra segmentation of the CT")
    levels = pair.add_mutually_exclusive_group()
    levels.add_argument("--mr-landmarks", type=Path, metavar="FILE", help="body centres in the MR, LPS mm")
    levels.add_argument("--mr-vertebrae", type=Path, metavar="LABELS", help="MR segmentation, instead")
    pair.add_argument("--landmarks", type=Path, metavar="FILE", help="the same places in CT and MR (JSON)")
    same = parser.add_argument_group("the same for all")
    same.add_argument(
        "--threads", type=whole_number(1, 1024), default=1, metavar="N", help="CPU threads (default: 1)"
    )
    same.add_argument(
        "--limit",
        type=whole_number(1),
        default=60,
        metavar="MIN",
        help="minutes after which a method is ended on a patient (default: 60)",
    )


def _check(arguments: Namespace) -> None:
    require_no_file(arguments.output)
    given = [name for name in PAIR if getattr(arguments, name) is not None]
    if given and len(given) < len(PAIR):
        missing = next(name for name in PAIR if name not in given)
        raise InputError(f"A real pair needs --ct, --mr and --vertebrae; add --{missing}.")
    if given and arguments.mr_landmarks is None and arguments.mr_vertebrae is None:
        raise InputError("A real pair needs a start; add --mr-landmarks or --mr-vertebrae.")
    require_folder("folder of cases", arguments.cases)
    if not (given or arguments.kinds or arguments.scaling or arguments.cases):
        raise InputError("There is nothing to register; give --kinds, --cases, --scaling or a real pair.")
    for name in (*PAIR, "mr_vertebrae"):
        require_image(name, getattr(arguments, name))
    require_file("landmark file", arguments.mr_landmarks, "give named points in LPS mm")
    require_file("landmark file", arguments.landmarks, "give a JSON file of pairs in LPS mm")


def _run(arguments: Namespace, reporter: Reporter) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # when cancelled, end the child and clean up

    from ..research.studies.benchmark.methods import METHODS, find_methods
    from ..research.studies.benchmark.patients import folder_cases, phantoms, real_pair, scaling_phantoms
    from ..research.studies.benchmark.run import Terms, run_benchmark
    from ..research.studies.cases import CaseFiles

    names = [method.name for method in METHODS] if arguments.methods is None else arguments.methods
    peers = find_methods(names)
    for peer in peers:
        if peer.is_missing:
            reporter.warning(f"{peer.name} is skipped; install it with `pip install {peer.package}`.")
    patients = phantoms(arguments.kinds, arguments.patients, _levels(arguments.levels))
    patients += folder_cases(arguments.cases) if arguments.cases else []
    if arguments.ct is not None:
        files = CaseFiles(
            *(
                arguments.ct,
                arguments.mr,
                arguments.vertebrae,
                arguments.mr_landmarks,
                arguments.mr_vertebrae,
            ),
            landmarks=arguments.landmarks,
        )
        patients.append(real_pair(files))
    patients += scaling_phantoms() if arguments.scaling else []
    terms = Terms(arguments.threads, 60.0 * arguments.limit)
    reporter.result(run_benchmark(patients, peers, terms, arguments.output, reporter))


def _levels(names: list[str] | None) -> tuple[int, ...]:
    """VerSe numbers of the phantoms' vertebrae, cranial to caudal.

    Raises:
        InputError: a name is unknown.
    """
    from ..imaging.vertebra_names import cranial_to_caudal, vertebra_number
    from ..phantoms.phantom import LUMBAR

    if names is None:
        return LUMBAR
    numbers = {name: vertebra_number(name) for name in names}
    if unknown := [name for name, number in numbers.items() if number is None]:
        raise InputError(f"--levels '{unknown[0]}' is no vertebra; give names such as L4 L5.")
    return tuple(cranial_to_caudal(number for number in numbers.values() if number is not None))


SUBCOMMAND = Subcommand(
    name="benchmark",
    summary="Compare with other registration methods on the same patients: errors, time and memory.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="benchmark",
    memory_advice="close other programs and run it again",
    grace_s=20.0,
)
