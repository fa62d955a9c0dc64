"""`spine-ctmr evaluate`: measure a finished registration against landmarks and MR labels."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import InputError
from ..imaging.given_scheme import given_scheme
from ..results import names
from .options import add_label_scheme, require_file, require_image
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr evaluate result
  spine-ctmr evaluate result --mr-vertebrae mr_labels.nii.gz --landmarks pairs.json
  spine-ctmr evaluate result --landmarks ct.mrk.json mr.mrk.json

Without reference: rigidity, volume, folding, inverse consistency, and how far along the spine each disc of
the MR lies from that of the registered CT. MR labels add DSC and surface distances, landmark pairs the
target registration error. Pairs: JSON [{"name": "L4 tip", "ct": [x, y, z], "mr": [x, y, z]}, ...] in LPS mm,
or two files of points with the same names, from Slicer (.mrk.json), the CT's first. Every point lies in its
image.
Writes evaluation.json, evaluation.csv and evaluation.md into the result's folder."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "result", type=Path, metavar="RESULT_DIR", help="folder that `spine-ctmr register` wrote"
    )
    parser.add_argument(
        "--landmarks",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="the same places in both images: one file of pairs, or one of CT and one of MR points",
    )
    parser.add_argument(
        "--mr-vertebrae", type=Path, metavar="LABELS", help="independent vertebra segmentation of the MR"
    )
    add_label_scheme(parser, whose="MR's ")


def _check(arguments: Namespace) -> None:
    if not (arguments.result / names.RUN).is_file():
        raise InputError(
            f"'{arguments.result}' is not a folder of results; give the one that `spine-ctmr register` wrote."
        )
    if len(arguments.landmarks) > 2:
        raise InputError(
            "More than two landmark files are given; give one of pairs, or one of CT and one of MR."
        )
    for path in arguments.landmarks:
        require_file("landmark file", path, "give JSON pairs or Slicer .mrk.json files")
    require_image("MR vertebra segmentation", arguments.mr_vertebrae)
    made = [arguments.result.resolve() / name for name in (names.VERTEBRAE_IN_MR, *names.ADDED_LATER)]
    for path in filter(None, [*arguments.landmarks, arguments.mr_vertebrae]):
        if path.resolve() in made:
            raise InputError(
                f"'{path}' is a part of the result and says nothing of it; give what was made independently."
            )
    if len({path.resolve() for path in arguments.landmarks}) < len(arguments.landmarks):
        raise InputError(f"'{arguments.landmarks[0]}' is given twice; give one file of CT and one of MR.")
    given_scheme(arguments.label_scheme)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("reading", 0.0)

    from ..evaluation.evaluation_files import as_markdown, write_evaluation
    from ..evaluation.landmark_pairs import left_out, read_landmark_pairs
    from ..evaluation.measure import evaluate_with_images
    from ..imaging.segmentation import read_vertebrae
    from ..results.stored import read_result

    landmarks = read_landmark_pairs(arguments.landmarks) if arguments.landmarks else []
    for sentence in left_out(*arguments.landmarks) if len(arguments.landmarks) == 2 else ():
        reporter.warning(sentence)
    reference = None
    if arguments.mr_vertebrae is not None:
        labels = read_vertebrae(arguments.mr_vertebrae, given_scheme(arguments.label_scheme))
        reference = labels.image
        for sentence in labels.warnings:
            reporter.warning(sentence)
    result = read_result(arguments.result)
    reporter("measuring", 0.4)
    evaluation = evaluate_with_images(result, reference, landmarks)
    write_evaluation(arguments.result, evaluation)
    reporter("done", 1.0)
    reporter.message(as_markdown(evaluation))


SUBCOMMAND = Subcommand(
    name="evaluate",
    summary="Measure a finished registration: discs, overlap, distances, landmark errors, rigidity, folding.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="evaluation",
    memory_advice="close other programs and run it again",
)
