"""Options that several subcommands share."""

from __future__ import annotations

import math
import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _ArgumentGroup
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..choices import DEFAULT_DEVICE, DEFAULT_QUALITY, DEVICES, QUALITIES
from ..errors import InputError
from ..imaging.given_scheme import CHOICES
from ..imaging.label_schemes import AUTO
from ..network.find_network import FOLDERS, find_network
from ..process.device import torch_device
from ..process.threads import THREAD_VARIABLES

if TYPE_CHECKING:
    from ..registration import RegistrationOptions


def whole_number(minimum: int, maximum: int = 2**31 - 1) -> Callable[[str], int]:
    """A converter of argument text to an integer in [minimum, maximum]."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= maximum:
            raise ArgumentTypeError(f"'{text}' is not a whole number from {minimum} to {maximum}")
        return number

    return convert


def length_mm(most: float) -> Callable[[str], float]:
    """A converter of argument text to a length in [0, most] mm."""

    def convert(text: str) -> float:
        try:
            length = float(text)
        except ValueError:
            length = -1.0
        if not 0 <= length <= most:
            raise ArgumentTypeError(f"'{text}' is not a length from 0 to {most:g} mm")
        return length

    return convert


def coordinate_mm(text: str) -> float:
    """Converter of a place along an axis, for argparse."""
    try:
        place = float(text)
    except ValueError:
        place = math.nan
    if not math.isfinite(place):
        raise ArgumentTypeError(f"'{text}' is no coordinate; give a number of mm")
    return place


def add_run_options(parser: ArgumentParser) -> None:
    """How a run tells where it is and how it is stopped."""
    group = parser.add_argument_group("progress")
    group.add_argument(
        "--progress",
        choices=("bar", "json", "none"),
        default="bar",
        help="bar on the terminal; JSON lines on standard output, for other programs; or none (default: bar)",
    )
    group.add_argument(
        "--cancel-on-eof",
        action="store_true",
        help="cancel when standard input ends, for programs that start this command; one that is closed from "
        "the start has ended",
    )


def add_output_options(parser: ArgumentParser, default: str | None = None) -> None:
    """Where results go."""
    parser.add_argument(
        "--output",
        type=Path,
        required=default is None,
        default=default,
        metavar="DIR",
        help="folder to create for the results; it appears when they are complete"
        + (f" (default: {default})" if default else ""),
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace DIR if it holds the results of an earlier run; files of your own in it stay",
    )


def add_label_scheme(parser: ArgumentParser, option: str = "--label-scheme", whose: str = "") -> None:
    """How labels are numbered; `label_scheme` reads it back."""
    parser.add_argument(
        option,
        default=AUTO,
        metavar="SCHEME",
        help=f"how the {whose}labels are numbered: {CHOICES}, pairs such as 1=L3,2=L4, or a file of names"
        " (default: recognised)",
    )


def add_registration_options(parser: ArgumentParser, *more_qualities: str) -> None:
    """How a registration computes; read back by `registration_options`."""
    group = parser.add_argument_group("computation")
    group.add_argument(
        "--quality",
        choices=(*QUALITIES, *more_qualities),
        default=DEFAULT_QUALITY,
        help=f"accuracy against time and memory (default: {DEFAULT_QUALITY})",
    )
    group.add_argument(
        "--device",
        choices=DEVICES,
        default=DEFAULT_DEVICE,
        help="where network, vertebrae, soft tissue and deformation are computed; cuda needs an NVIDIA GPU, "
        "auto takes one if it can; not yet tried on a real GPU "
        f"(default: {DEFAULT_DEVICE})",
    )
    group.add_argument(
        "--network",
        type=Path,
        metavar="NETWORK",
        help="network to use instead of the bundled one: a file or the folder of `spine-ctmr export`, the "
        f"folder of a training, or the name of one in a folder of the environment variable {FOLDERS}",
    )
    add_seed_and_threads(group)


def add_seed_and_threads(group: _ArgumentGroup) -> None:
    """What any computation has."""
    group.add_argument(
        "--seed",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="seed of the random numbers; the same seed gives the same result (default: 0)",
    )
    add_threads(group)


def add_threads(group: _ArgumentGroup | ArgumentParser) -> None:
    """How many cores a computation may have."""
    group.add_argument(
        "--threads", type=whole_number(1, 1024), metavar="N", help="CPU threads to use (default: all cores)"
    )


def check_registration_options(arguments: Namespace) -> None:
    """Check what can be checked without importing anything heavy.

    Raises:
        InputError: there is no such network.
    """
    if arguments.network is not None:
        find_network(arguments.network)


def require_network(arguments: Namespace) -> None:
    """Load the network once, before anything long is done for it; imports its runtime.

    Raises:
        InputError: the network file or the device cannot be used.
    """
    from ..network.runtime import load_network

    load_network(arguments.network, arguments.device, 1, lambda notice: None)


def training_device(device: str) -> str:
    """ "cuda" or "cpu", where the device is one of `DEVICES`; imports torch unless it is "cpu".

    Raises:
        InputError: the device is "cuda" and there is none.
    """
    found = torch_device(device)
    if device == "cuda" != found:
        raise InputError("device 'cuda': no usable CUDA device was found; choose another one.")
    return found


def limit_threads(arguments: Namespace) -> None:
    """Limit the threads of numerical libraries that are loaded later in this process, where it was asked."""
    threads = getattr(arguments, "threads", None)
    if threads is not None:
        os.environ.update({name: str(threads) for name in THREAD_VARIABLES})


def registration_options(arguments: Namespace) -> RegistrationOptions:
    """The options of the registration; imports it."""
    from ..registration import RegistrationOptions

    return RegistrationOptions(
        quality=arguments.quality if arguments.quality in QUALITIES else DEFAULT_QUALITY,
        device=arguments.device,
        seed=arguments.seed,
        network=arguments.network,
        threads=arguments.threads,
    )


def require_image(name: str, path: Path | None) -> None:
    """Accept an existing image file, an existing folder, or None.

    Raises:
        InputError: there is nothing at `path`.
    """
    if path is not None and not path.exists():
        raise InputError(
            f"The {name} '{path}' does not exist; "
            "give a NIfTI, NRRD or MetaImage file or a folder of DICOM files."
        )


def require_no_file(output: Path) -> None:
    """Accept a folder that a run goes on in, or nothing.

    Raises:
        InputError: there is a file at `output`.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"The output '{output}' is a file; choose a folder.")


def require_folder(name: str, path: Path | None) -> None:
    """Accept an existing folder or None.

    Raises:
        InputError: there is no folder at `path`.
    """
    if path is not None and not path.is_dir():
        problem = "is a file" if path.exists() else "does not exist"
        raise InputError(f"The {name} '{path}' {problem}; give a folder.")


def require_file(name: str, path: Path | None, mend: str) -> None:
    """Accept an existing file or None.

    Raises:
        InputError: there is no file at `path`.
    """
    if path is not None and not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"The {name} '{path}' {problem}; {mend}.")
