"""What a registration finds: where every vertebra is, and the deformation around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .alignment.start import Start
from .deformation.deformation import Deformation
from .geometry.pose import Pose
from .imaging.case import Case
from .imaging.vertebra_names import vertebra_name
from .network.runtime import LoadedNetwork
from .options import RegistrationOptions
from .vertebrae.level_check import LevelShift
from .vertebrae.refinement import VertebraPose


@dataclass(frozen=True)
class FoundPoses:
    """The rigid part of a registration.

    Attributes:
        start: the rigid start.
        network: the network that was used, if one was.
        network_poses: CT→MR, what the network alone gives, by VerSe number; none where that is the result.
        vertebrae: refined poses by VerSe number, with what speaks for them.
        shift: how well the spine fits one level beside; None where that cannot be judged.
    """

    start: Start
    network: LoadedNetwork | None
    network_poses: Mapping[int, Pose]
    vertebrae: Mapping[int, VertebraPose]
    shift: LevelShift | None

    @property
    def poses(self) -> dict[int, Pose]:
        """CT→MR, refined, by VerSe number."""
        return {number: vertebra.pose for number, vertebra in self.vertebrae.items()}


@dataclass(frozen=True)
class OwnField:
    """A displacement that is the result as it is, so that no vertebra is exactly rigid.

    Attributes:
        origin: what it is, in words.
        bent_mm: RMS distance of every vertebra's points from its pose, by VerSe number.
    """

    origin: str
    bent_mm: Mapping[int, float]

    @property
    def note(self) -> str:
        """What a user should know."""
        said = f"The result is {self.origin}: the vertebrae are not exactly rigid"
        if self.bent_mm:
            number = max(self.bent_mm, key=self.bent_mm.__getitem__)
            most = f"{self.bent_mm[number]:.2f} mm in {vertebra_name(number)}"
            said += f", but off their rigid transforms by up to {most} (RMS)"
        return f"{said}; do not plan with it."


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
        own_field: told if the deformation is a displacement as it is; None if bones are rigid.
    """

    case: Case
    options: RegistrationOptions
    found: FoundPoses
    deformation: Deformation
    notes: list[str]
    seconds: dict[str, float]
    own_field: OwnField | None = None
