"""A registered case in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from ..deformation.warping import (
    ct_in_mr,
    deformation_determinant,
    jacobian_on_mr,
    labels_in_mr,
    mr_in_ct,
    vertebrae_in_mr,
)
from ..geometry.pose import Pose
from ..imaging.case import Case
from ..imaging.vertebra_names import vertebra_name
from ..process.staging import staged_directory
from ..process.threads import limited
from ..progress import Progress, silent
from ..quality.assessment import Assessment, assess
from ..quality.flags import VertebraQuality
from ..quality.quality_files import quality_content
from ..registration_result import RegistrationResult
from .names import ADDED_LATER
from .reader import ResultFolder
from .registered import Registered


@dataclass(frozen=True, eq=False)
class Registration(Registered):
    """A case that was registered just now.

    Attributes:
        result: what was found, and how.
    """

    result: RegistrationResult

    @property
    def case(self) -> Case:
        """The checked inputs."""
        return self.result.case

    @cached_property
    def mr_to_ct(self) -> sitk.Transform:
        return self.result.deformation.mr_to_ct()

    @cached_property
    def ct_to_mr(self) -> sitk.Transform:
        return self.result.deformation.ct_to_mr()

    @cached_property
    def poses(self) -> dict[str, Pose]:
        return {vertebra_name(number): pose for number, pose in self.result.found.poses.items()}

    @property
    def quality(self) -> Sequence[VertebraQuality]:
        return self.assessment.vertebrae

    @property
    def failure(self) -> str | None:
        return self.assessment.failure

    @property
    def notes(self) -> Sequence[str]:
        return self.result.notes

    @cached_property
    def ct_in_mr(self) -> sitk.Image:
        return ct_in_mr(self.case.ct, self.case.mr, self.result.deformation)

    @cached_property
    def mr_in_ct(self) -> sitk.Image:
        return mr_in_ct(self.case.ct, self.case.mr, self.result.deformation)

    @cached_property
    def vertebrae_in_mr(self) -> sitk.Image:
        case, deformation = self.case, self.result.deformation
        if self.result.own_field is not None:
            return labels_in_mr(case.vertebrae, case.mr, deformation)
        return vertebrae_in_mr(case.vertebrae, case.mr, deformation.poses)

    @cached_property
    def jacobian(self) -> sitk.Image:
        return jacobian_on_mr(self.determinant, self.result.deformation, self.vertebrae_in_mr)

    @cached_property
    def determinant(self) -> NDArray[Any]:
        """det J (z, y, x) of `mr_to_ct` at the nodes of the deformation's box."""
        return deformation_determinant(self.result.deformation)

    @cached_property
    def assessment(self) -> Assessment:
        """The judgement of the whole registration."""
        return assess(self.result, self.determinant, self.vertebrae_in_mr)

    @property
    def measured(self) -> ResultFolder:
        found, deformation, assessment = self.result.found, self.result.deformation, self.assessment
        return ResultFolder(
            to_ct=self.mr_to_ct,
            to_mr=self.ct_to_mr,
            field=deformation.mr_to_ct_field,
            box=deformation.box,
            start=found.start.global_rigid,
            poses=found.poses,
            labels_in_mr=self.vertebrae_in_mr,
            quality=quality_content(assessment.vertebrae, assessment.overall, self.result.notes),
            run={"failure": assessment.failure},
        )

    def save(
        self, folder: str | os.PathLike[str], overwrite: bool = False, progress: Progress = silent
    ) -> None:
        """Write the folder that `spine-ctmr register` writes; it appears when it is complete.

        Args:
            folder: to create.
            overwrite: replace it if it holds the results of an earlier run; your own files in it stay.
            progress: told the stage and the share done.

        Raises:
            InputError: the folder cannot be created or must not be replaced.
        """
        from .writer import write_results  # draws, which nobody else needs

        threads = limited(self.result.options.threads)
        with threads, staged_directory(Path(folder), overwrite, ADDED_LATER) as staging:
            write_results(self, staging, progress)
