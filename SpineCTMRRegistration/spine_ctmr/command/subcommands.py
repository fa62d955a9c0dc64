"""The subcommands of `spine-ctmr`, one file each. A new one is added to `subcommands()`."""

from __future__ import annotations

from . import (
    accuracy,
    benchmark,
    capture,
    cohort,
    compare,
    contact_sheet,
    demo,
    evaluate,
    export,
    export_dicom,
    flag_calibration,
    papers,
    phantom,
    register,
    sign_off,
    train,
    wrong_inputs,
)
from .subcommand import Subcommand


def subcommands() -> tuple[Subcommand, ...]:
    """All subcommands in the order of the help text."""
    modules = (
        *(register, cohort, sign_off, evaluate, compare, export_dicom, demo, phantom),
        *(contact_sheet, train, export, papers, benchmark, accuracy, capture, flag_calibration, wrong_inputs),
    )
    return tuple(module.SUBCOMMAND for module in modules)
