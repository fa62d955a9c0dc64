"""What a study of a paper is, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import InputError
from ....progress import Progress, silent, span
from ..kernel import Method, Patient, Row, run_study
from ..networks.trainings import BANK, Training, train_all, trained


@dataclass(frozen=True)
class Choices:
    """What a user decides.

    Attributes:
        patients: test patients, whom no training sees.
        steps: of every training, instead of the budget's.
        folds: divisions of the training patients that networks are trained for, at most the paper's.
        device: "cpu" or "cuda", for the training.
        train: whether to train on; otherwise the networks are measured as they are.
    """

    patients: int = 24
    steps: int | None = None
    folds: int = 1
    device: str = "cpu"
    train: bool = True


@dataclass(frozen=True)
class PaperRun:
    """What a page is written from.

    Attributes:
        output: folder of the study, with the trainings' folders.
        trainings: all that were asked for.
        rows: what was measured.
    """

    output: Path
    trainings: Sequence[Training]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Paper:
    """A study of one paper.

    Attributes:
        name: on the command line and of the page.
        title: of the paper.
        most_folds: divisions of the patients in the paper.
        trainings: the networks, by steps and folds.
        patients: makes the test patients in a bank, for the kernel.
        methods: registrations of a patient, from the trainings' folders in the output.
        publish: writes page and pictures, and returns the page.
    """

    name: str
    title: str
    most_folds: int
    trainings: Callable[[int | None, int], list[Training]]
    patients: Callable[[Path, int, Progress], Sequence[Patient[Any]]]
    methods: Callable[[Sequence[Training], Path], Sequence[Method[Any]]]
    publish: Callable[[PaperRun], Path]


def run_paper(paper: Paper, output: Path, choices: Choices, progress: Progress = silent) -> Path:
    """Write `<name>.md` and its pictures to `output`; return the path of the page.

    Whatever is finished is kept: interrupted, it goes on where it stopped, and with more steps the trainings
    go on and their networks are measured anew.

    Raises:
        InputError: networks are to be measured as they are, and none was trained.
    """
    trainings = paper.trainings(choices.steps, min(choices.folds, paper.most_folds))
    if not choices.train and not any(trained(trainings, output)):
        raise InputError(
            f"The folder '{output}' holds no trained network; train first, without --measure-only."
        )
    output.mkdir(parents=True, exist_ok=True)
    if choices.train:
        train_all(trainings, output, choices.device, span(progress, 0.0, 0.6))
    patients = paper.patients(output / BANK, choices.patients, span(progress, 0.6, 0.7))
    methods = paper.methods(trainings, output)
    return run_study(
        patients,
        methods,
        output,
        lambda rows: paper.publish(PaperRun(output, trainings, rows)),
        span(progress, 0.7, 1.0),
    )
