"""`spine-ctmr phantom`: the files of a synthetic patient, to try a registration on."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from .. import __version__
from ..process.own_files import RESULT_MARK
from ..progress import span
from .options import add_output_options, add_seed_and_threads
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr phantom --output patient
  spine-ctmr register patient/ct.nrrd patient/mr.nrrd --vertebrae patient/ct_vertebrae.nrrd \\
      --mr-landmarks patient/mr_landmarks.json --output result

The folder is a patient as it is: of `accuracy --cases`, and beside another one of `train --data`."""


def _add_arguments(parser: ArgumentParser) -> None:
    add_output_options(parser, default="spine-ctmr-phantom")
    add_seed_and_threads(parser.add_argument_group("computation"))


def _run(arguments: Namespace, reporter: Reporter) -> None:
    reporter("preparing", 0.0)
    from ..evaluation.truth_points import phantom_truth, write_truth_points
    from ..imaging.patient_files import TRUTH
    from ..phantoms.phantom import make_phantom
    from ..phantoms.phantom_files import DEMO_PATIENT, write_phantom

    phantom = make_phantom(arguments.seed, DEMO_PATIENT, span(reporter, 0.1, 0.95))
    reporter("writing the patient", 0.95)
    write_phantom(phantom, arguments.output)
    write_truth_points(arguments.output / f"{TRUTH}.npz", phantom_truth(phantom))
    run = {"software": {"SpineCTMRRegistration": __version__}, "phantom": {"seed": arguments.seed}}
    (arguments.output / RESULT_MARK).write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    reporter("done", 1.0)


SUBCOMMAND = Subcommand(
    name="phantom",
    summary="Write the CT, MR, vertebra labels, MR landmarks and true points of a synthetic patient.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    run=_run,
    noun="phantom",
    memory_advice="close other programs and run it again",
)
