"""What a user can choose about a registration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .choices import DEFAULT_DEVICE, DEFAULT_QUALITY, DEVICES, QUALITIES, Device, Quality
from .deformation.options import DeformationOptions
from .deformation.soft_tissue import SoftTissueOptions
from .errors import InputError
from .vertebrae.refinement import RefinementOptions, Stage

FIELD_RESOLUTION_MM = 1 / 128
"""Of the stored displacement away from bone: an error of 0.004 mm at most along each axis."""


@dataclass(frozen=True)
class RegistrationOptions:
    """Options of one registration, checked when made.

    Attributes:
        quality: "fast", "standard" or "best".
        device: where all stages compute, "auto" (CUDA where usable), "cuda" or "cpu".
        seed: of the sample points in the soft tissue; the vertebrae do not depend on it.
        network: a network instead of the bundled one: its file, a folder with one, the folder of a training,
            or the name of one (`find_network`).
        network_only: whether the network's own displacement is the result: no vertebra is refined or rigid.
        threads: CPU threads, None for all cores.

    Raises:
        InputError: a value is unknown, or not a whole number where one is meant.
    """

    quality: Quality = DEFAULT_QUALITY
    device: Device = DEFAULT_DEVICE
    seed: int = 0
    network: Path | None = None
    network_only: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, value, known in (("quality", self.quality, QUALITIES), ("device", self.device, DEVICES)):
            if value not in known:
                raise InputError(f"{name} '{value}': unknown; choose one of {', '.join(known)}.")
        if not _whole(self.seed, 0):
            raise InputError(f"seed {self.seed!r}: not a whole number from 0; give one, such as 0.")
        if self.threads is not None and not _whole(self.threads, 1):
            raise InputError(
                f"threads {self.threads!r}: not a whole number from 1; give one, or None for all cores."
            )
        if self.network_only and self.quality != DEFAULT_QUALITY:
            raise InputError(
                f"quality '{self.quality}': a network alone refines nothing; leave it or network_only out."
            )

    @property
    def refinement(self) -> RefinementOptions:
        """Schedule of the pose refinement."""
        if self.quality == "fast":
            return RefinementOptions((Stage(4, 600, 5, 1, 1), Stage(2, 3000, 5, 1, 1, 0.3)))
        if self.quality == "best":
            coarse = Stage(4, 1200, 12, 1, 3), Stage(2, 2500, 10, 1, 2), Stage(1, 4000, 5, 1, 1)
            return RefinementOptions((*coarse, Stage(1, 30_000, 4, 1, 1, 0.3)), shifts_mm=6.0, turns_deg=9.0)
        return RefinementOptions()

    @property
    def deformation(self) -> DeformationOptions:
        """How the motion spreads between the bones."""
        return DeformationOptions(
            spacing_mm=1.5 if self.quality == "fast" else 1.0, resolution_mm=FIELD_RESOLUTION_MM
        )

    @property
    def soft_tissue(self) -> SoftTissueOptions:
        """How the soft tissue is followed on the images."""
        points = {"fast": 30_000, "standard": 100_000, "best": 300_000}
        return SoftTissueOptions(points=points[self.quality])


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
