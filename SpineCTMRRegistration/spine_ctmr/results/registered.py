"""What a registration gives a Python user, whether it was just computed or read from a folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import SimpleITK as sitk

from ..geometry.pose import Pose
from ..quality.flags import Flag, VertebraQuality
from .reader import ResultFolder


class Registered(ABC):
    """A registered case; vertebrae by their names, everything in LPS mm.

    Images and figures are computed or read when they are first asked for, and kept.
    """

    @property
    @abstractmethod
    def mr_to_ct(self) -> sitk.Transform:
        """Maps an MR point to the CT point showing the same tissue: resamples the CT onto the MR."""

    @property
    @abstractmethod
    def ct_to_mr(self) -> sitk.Transform:
        """Maps a CT point to the MR point showing the same tissue: moves points and models of the CT."""

    @property
    @abstractmethod
    def poses(self) -> dict[str, Pose]:
        """CT→MR, the exactly rigid motion of each vertebra, such as `poses["L3"].apply(points)`."""

    @property
    @abstractmethod
    def quality(self) -> Sequence[VertebraQuality]:
        """Flag, reason and signals of each vertebra, cranial to caudal."""

    @property
    @abstractmethod
    def failure(self) -> str | None:
        """One sentence if the registration failed its own checks and must not be used, else None."""

    @property
    @abstractmethod
    def notes(self) -> Sequence[str]:
        """What a user should know, one sentence each."""

    @property
    @abstractmethod
    def ct_in_mr(self) -> sitk.Image:
        """The CT on the MR's grid, full field of view."""

    @property
    @abstractmethod
    def mr_in_ct(self) -> sitk.Image:
        """The MR on the CT's grid, full field of view."""

    @property
    @abstractmethod
    def vertebrae_in_mr(self) -> sitk.Image:
        """The CT's vertebra labels on the MR's grid, each moved by its pose; uint8 VerSe numbers."""

    @property
    @abstractmethod
    def jacobian(self) -> sitk.Image:
        """CT volume per MR volume on the MR's grid: det J of `mr_to_ct`, 1 = kept."""

    @property
    @abstractmethod
    def measured(self) -> ResultFolder:
        """What measurements need, as it is stored in a folder of results."""

    @property
    def flags(self) -> dict[str, Flag]:
        """ "good", "check" or "do not use" for each vertebra."""
        return {row.name: row.flag for row in self.quality}
