"""The methods that the benchmark compares, one file each.

A method is a function of a `Problem` and a number of threads that returns `mr_to_ct`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import SimpleITK as sitk

from .....errors import InputError
from ..problem import Problem
from . import convex_adam, elastix, engine, per_vertebra, start, syn

Register = Callable[[Problem, int], sitk.Transform]


@dataclass(frozen=True)
class Peer:
    """A registration method, which runs in a process of its own.

    Attributes:
        name: on the command line and of its files.
        title: in tables and figures.
        register: finds `mr_to_ct` of a problem with a number of threads.
        package: the distribution that it needs, if any.
        most_threads: how many threads it survives; None for any number.
    """

    name: str
    title: str
    register: Register
    package: str | None = None
    most_threads: int | None = None

    @property
    def version(self) -> str | None:
        """Of its package; None where that is missing."""
        try:
            return version(self.package) if self.package else None
        except PackageNotFoundError:
            return None

    @property
    def is_missing(self) -> bool:
        """Whether its package is not installed."""
        return self.package is not None and self.version is None

    def threads(self, wanted: int) -> int:
        """As many as wanted, or as it survives."""
        return min(wanted, self.most_threads or wanted)


ENGINE = Peer("spine-ctmr", "SpineCTMRRegistration", engine.standard)
METHODS = (
    ENGINE,
    Peer("spine-ctmr-fast", "SpineCTMRRegistration, fast", engine.fast),
    Peer("rigid-start", "rigid start", start.register),
    Peer("per-vertebra-mi", "rigid MI per vertebra, blended", per_vertebra.register),
    Peer("elastix", "elastix B-spline, MI", elastix.bspline, "itk-elastix"),
    Peer("elastix-rigidity", "elastix, MI + rigidity", elastix.rigidity, "itk-elastix", most_threads=1),
    Peer("ants-syn", "ANTs SyN, MI", syn.register, "antspyx"),
    Peer("convex-adam", "ConvexAdam, MIND", convex_adam.register, "convexAdam"),
)


def find_methods(names: Iterable[str]) -> tuple[Peer, ...]:
    """Methods by name, in the order of the table; the engine is always among them.

    Raises:
        InputError: a name is unknown.
    """
    wanted = {ENGINE.name, *names}
    known = {method.name for method in METHODS}
    if unknown := sorted(wanted - known):
        raise InputError(f"method '{unknown[0]}': unknown; choose from {', '.join(sorted(known))}.")
    return tuple(method for method in METHODS if method.name in wanted)
