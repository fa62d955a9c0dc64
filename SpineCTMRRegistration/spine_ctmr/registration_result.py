"""What a registration finds: where every vertebra is, and the deformation around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .alignment.start import Start
from .deformation.deformation import Deformation
from .geometry.pose import Pose
from .imaging.case import Case
from .network.runtime import LoadedNetwork
from .options import RegistrationOptions
from .vertebrae.level_check import LevelShift
from .vertebrae.refinement import VertebraPose


@dataclass(frozen=True)
class FoundPoses:
    """The rigid part of a registration.

    Attributes:
        start: the rigid start.
        network: the network that was used.
        network_poses: CT→MR, what the network alone gives, by VerSe number.
        vertebrae: refined poses by VerSe number, with what speaks for them.
        shift: how well the spine fits one level beside; None where that cannot be judged.
    """

    start: Start
    network: LoadedNetwork
    network_poses: Mapping[int, Pose]
    vertebrae: Mapping[int, VertebraPose]
    shift: LevelShift | None

    @property
    def poses(self) -> dict[int, Pose]:
        """CT→MR, refined, by VerSe number."""
        return {number: vertebra.pose for number, vertebra in self.vertebrae.items()}


@dataclass(frozen=True)
class RegistrationResult:
    """A registered case.

    Attributes:
        case: the inputs.
        options: what was asked for.
        found: the vertebrae and how they were found.
        deformation: both directions of the transform.
        notes: what a user should know, one sentence each.
        seconds: time spent in each stage.
    """

    case: Case
    options: RegistrationOptions
    found: FoundPoses
    deformation: Deformation
    notes: list[str]
    seconds: dict[str, float]
