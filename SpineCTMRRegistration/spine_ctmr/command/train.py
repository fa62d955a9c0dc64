"""`spine-ctmr train`: a network from a recipe."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from ..choices import DEFAULT_DEVICE, DEVICES
from ..errors import InputError
from .foretelling import Foretelling
from .options import add_threads, require_no_file, training_device, whole_number
from .reporting import Reporter
from .subcommand import Subcommand

EXAMPLES = """\
  spine-ctmr train matching_2mm --output run
  spine-ctmr train matching_2mm --output run --resume
  spine-ctmr train matching_2mm --anatomy label_maps/ --output run
  spine-ctmr train my-recipe.toml --data patients/ --output run
  spine-ctmr train jian_pc --warm-start baseline-run --bank bank --output run
  torchrun --nproc-per-node 4 -m spine_ctmr train jian_baseline --output run

Without --data, synthetic patients are made first and kept in --bank. With --data, every patient is a
subfolder with ct, ct_labels, mr and, if known, mr_labels and mr_landmarks (ct.nii.gz, mr.nrrd, ...); for
Cao's recipes also ct_in_mr and mr_in_ct of a pre-aligned pair, for single vertebrae just ct and ct_labels.
Stopped in whatever way, a run goes on with --resume as if it had never stopped."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "recipe", metavar="RECIPE", help="name of a recipe that comes with this program, or a TOML file"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="RUN", help="folder for checkpoints, logs and pictures"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in RUN; begin one where there is none"
    )
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="own patients to learn from instead of synthetic ones"
    )
    parser.add_argument(
        "--anatomy",
        type=Path,
        metavar="FOLDER",
        help="two or more vertebra label maps of any CTs, whose spines the synthetic patients get; or a "
        "subfolder for each, with ct and ct_labels, to show the CT's own grey values",
    )
    parser.add_argument(
        "--bank",
        type=Path,
        metavar="FOLDER",
        help="where made or prepared patients are kept and shared by runs (default: RUN/patients)",
    )
    parser.add_argument(
        "--warm-start",
        type=Path,
        metavar="RUN",
        help="begin with the rigidity stage, from a run of the same recipe without or with other penalties",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="begin with the weights of a network file (.safetensors) or of a run's best.pt",
    )
    parser.add_argument("--steps", type=whole_number(1), metavar="N", help="instead of the recipe's steps")
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default=DEFAULT_DEVICE,
        help=f"cuda needs an NVIDIA GPU; auto takes it if there is one (default: {DEFAULT_DEVICE})",
    )
    add_threads(parser)


def _check(arguments: Namespace) -> None:
    for name, folder in (("data folder", arguments.data), ("run to start from", arguments.warm_start)):
        if folder is not None and not folder.is_dir():
            raise InputError(f"The {name} '{folder}' does not exist; check the path.")
    if arguments.data is not None and arguments.anatomy is not None:
        raise InputError("--anatomy is for synthetic patients; leave out --data or --anatomy.")
    if arguments.weights is not None and not arguments.weights.is_file():
        raise InputError(f"The weights '{arguments.weights}' do not exist; check the path.")
    if arguments.weights is not None and arguments.warm_start is not None:
        raise InputError("A run begins with one thing: leave out --weights or --warm-start.")
    require_no_file(arguments.output)


def _run(arguments: Namespace, reporter: Reporter) -> None:
    from ..phantoms.segmented_spines import label_maps
    from ..research.training.batch import TrainingData
    from ..research.training.own_data import own_patients
    from ..research.training.own_vertebrae import own_vertebra_pairs
    from ..research.training.recipe_file import find_recipe, load_recipe
    from ..research.training.run_folder import holds_run, require_new_or_resumed
    from ..research.training.state import first_weights
    from ..research.training.synthetic_data import synthetic_patients
    from ..research.training.trainer import train
    from ..research.training.vertebra_pairs import vertebra_pairs
    from ..research.training.workers import process_number

    recipe = load_recipe(find_recipe(arguments.recipe))
    if arguments.steps is not None:
        recipe = replace(recipe, steps=arguments.steps)
    require_new_or_resumed(arguments.output, arguments.resume)
    if arguments.resume and not holds_run(arguments.output) and process_number()[0] == 0:
        reporter.warning(f"There is no run in '{arguments.output}'; a new one begins.")
    if arguments.weights is not None:
        first_weights(arguments.weights)  # refused before patients are made
    device = training_device(arguments.device)
    bank = arguments.bank or arguments.output / "patients"
    made = Foretelling(reporter, "Making synthetic", reporter.message)
    data: TrainingData
    if arguments.data is not None:
        own = own_patients if recipe.vertebrae is None else own_vertebra_pairs
        data = own(recipe, arguments.data, bank, reporter, reporter.warning)
    elif recipe.vertebrae is not None:
        if arguments.anatomy is not None:
            raise InputError(
                f"The recipe '{recipe.name}' learns from single vertebrae; --anatomy is for whole patients."
            )
        data = vertebra_pairs(recipe, bank, made)
    else:
        maps = () if arguments.anatomy is None else label_maps(arguments.anatomy)
        data = synthetic_patients(recipe, bank, made, maps)
    reporter.close()
    where = arguments.output, data, arguments.resume, reporter, device, arguments.warm_start
    train(recipe, *where, arguments.weights, warn=reporter.warning)
    if process_number()[0] == 0:
        reporter.result(arguments.output)


SUBCOMMAND = Subcommand(
    name="train",
    summary="Train a network from a recipe, on synthetic patients or your own.",
    examples=EXAMPLES,
    add_arguments=_add_arguments,
    check=_check,
    run=_run,
    staged=False,
    noun="training",
    memory_advice="choose a recipe with a smaller crop or batch, and resume",
    grace_s=120.0,
)
