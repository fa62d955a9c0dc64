"""A registered case in a folder of results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import InputError
from ..geometry.pose import Pose
from ..imaging.reading import read_image
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..quality.flags import VertebraQuality
from . import names
from .reader import ResultFolder, present, read_result_folder
from .registered import Registered


@dataclass(frozen=True, eq=False)
class StoredRegistration(Registered):
    """A case whose results were read from a folder.

    Attributes:
        folder: of the results.
        content: what was read at once; images are read when they are asked for.
    """

    folder: Path
    content: ResultFolder

    @property
    def measured(self) -> ResultFolder:
        return self.content

    @property
    def mr_to_ct(self) -> sitk.Transform:
        return self.content.to_ct

    @property
    def ct_to_mr(self) -> sitk.Transform:
        return self.content.to_mr

    @cached_property
    def poses(self) -> dict[str, Pose]:
        return {vertebra_name(n): self.content.poses[n] for n in cranial_to_caudal(self.content.poses)}

    @cached_property
    def quality(self) -> Sequence[VertebraQuality]:
        try:
            return [_row(row) for row in self.content.quality["vertebrae"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.folder / names.QUALITY} is damaged; register the patient again."
            ) from error

    @property
    def failure(self) -> str | None:
        failure = self.content.run.get("failure")
        return None if failure is None else str(failure)

    @property
    def notes(self) -> Sequence[str]:
        return [str(note) for note in self.content.quality.get("warnings", [])]

    @cached_property
    def ct_in_mr(self) -> sitk.Image:
        return read_image(present(self.folder, names.CT_IN_MR))

    @cached_property
    def mr_in_ct(self) -> sitk.Image:
        return read_image(present(self.folder, names.MR_IN_CT))

    @property
    def vertebrae_in_mr(self) -> sitk.Image:
        return self.content.labels_in_mr

    @cached_property
    def jacobian(self) -> sitk.Image:
        return read_image(present(self.folder, names.JACOBIAN))


def read_result(folder: str | os.PathLike[str]) -> StoredRegistration:
    """The results in a folder that `spine-ctmr register` or `Registration.save` wrote.

    Raises:
        InputError: not a folder of results, or a file in it is missing or damaged.
    """
    return StoredRegistration(Path(folder), read_result_folder(Path(folder)))


def _row(values: dict[str, Any]) -> VertebraQuality:
    """A row of the quality table; what was not measured is null in the file and NaN here."""
    known: dict[str, Any] = {}
    for field in fields(VertebraQuality):
        if field.name in values:
            value = values[field.name]
            known[field.name] = float("nan") if value is None else value
    return VertebraQuality(**known)
