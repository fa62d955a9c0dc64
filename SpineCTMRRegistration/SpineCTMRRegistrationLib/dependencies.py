"""The Python packages that the engine needs and Slicer may lack: asked for, never installed unasked.

Only what a registration cannot do without is listed; for example onnxruntime is used where it is
installed, and torch runs the network otherwise. Nothing here imports a package that it looks for.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from spine_ctmr.errors import SpineError

from .extensions import MissingExtension

REQUESTER = "SpineCTMRRegistration"


@dataclass(frozen=True)
class Package:
    """A package to install.

    Attributes:
        module: what it is imported as.
        requirement: what pip calls it, with the oldest version that will do.
        size: of the download, in words.
    """

    module: str
    requirement: str
    size: str


TORCH = Package("torch", "torch>=2.4", "200 MB, or 3 GB where there is an NVIDIA GPU")
NEEDED = (
    TORCH,
    Package("scipy", "scipy>=1.13", "40 MB"),
    Package("h5py", "h5py>=3.11", "5 MB"),
    Package("threadpoolctl", "threadpoolctl>=3.5", "0.1 MB"),
    Package("safetensors", "safetensors>=0.4", "1 MB"),
    Package("PIL", "Pillow>=10.1", "7 MB"),
)
KEPT = ("numpy", "SimpleITK")
"""Packages that Slicer itself is built with; an installation must not change their version."""


class Installer(Protocol):
    """Installs packages; raises any exception if it cannot."""

    def install_torch(self, requirement: str) -> None:
        """Install torch for the hardware at hand."""

    def install(self, requirements: Sequence[str]) -> None:
        """Install what pip calls `requirements`."""


def missing_packages() -> list[Package]:
    """What of `NEEDED` is not installed, or too old."""
    importlib.invalidate_caches()
    return [package for package in NEEDED if not _is_installed(package)]


def _is_installed(package: Package) -> bool:
    if importlib.util.find_spec(package.module) is None:
        return False
    requirement = Requirement(package.requirement)
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:  # built into Slicer without a record of its version
        return True


def question(packages: Sequence[Package]) -> str:
    """What the user is asked before anything is installed."""
    lines = [f"  \N{BULLET} {package.requirement} ({package.size})" for package in packages]
    return (
        "The registration needs Python packages that this Slicer does not have:\n\n"
        + "\n".join(lines)
        + "\n\nThey are downloaded from the internet and installed into Slicer; this can take some minutes. "
        "Install them now?"
    )


def ensure(ask: Callable[[str], bool], installer: Installer) -> bool:
    """Install what is missing if the user agrees; True if the registration can start.

    Raises:
        SpineError: the installation failed; says how to mend it.
    """
    packages = missing_packages()
    if not packages:
        return True
    if not ask(question(packages)):
        return False
    try:
        if TORCH in packages:
            installer.install_torch(TORCH.requirement.removeprefix("torch"))
        others = [package.requirement for package in packages if package is not TORCH]
        if others:
            installer.install(others)
    except SpineError:
        raise
    except Exception as error:
        raise SpineError(_failed(packages)) from error
    still = missing_packages()
    if still:
        raise SpineError(_failed(still))
    return True


def _failed(packages: Sequence[Package]) -> str:
    names = ", ".join(package.requirement.partition(">")[0] for package in packages)
    return (
        f"{names} could not be installed; check the internet connection and the free disk space, restart "
        "Slicer and press Register again (details are in the Python console)."
    )


class SlicerInstaller:
    """Installs through Slicer: torch by the PyTorch extension, the rest by pip."""

    def install_torch(self, requirement: str) -> None:
        """Have the PyTorch extension install the torch that fits the hardware.

        Raises:
            SpineError: the extension is missing, or the user stopped it.
        """
        try:
            import PyTorchUtils
        except ImportError as error:
            raise MissingExtension("PyTorch", "which installs the PyTorch that fits this computer") from error
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=requirement) is None:
            raise SpineError("PyTorch was not installed; press Register again to install it.")

    def install(self, requirements: Sequence[str]) -> None:
        """Install with pip, without changing the packages that Slicer is built with."""
        with tempfile.TemporaryDirectory() as folder:
            constraints = Path(folder) / "constraints.txt"
            constraints.write_text("".join(_pins()), encoding="utf-8")
            if importlib.util.find_spec("slicer.packaging") is not None:
                from slicer.packaging import pip_install

                pip_install(list(requirements), constraints=constraints, requester=REQUESTER)
            else:
                import slicer.util

                slicer.util.pip_install(["--constraint", str(constraints), *requirements])


def _pins() -> list[str]:
    pins = []
    for name in KEPT:
        try:
            pins.append(f"{name}=={importlib.metadata.version(name)}\n")
        except importlib.metadata.PackageNotFoundError:
            continue
    return pins
