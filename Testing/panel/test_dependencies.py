"""What is asked and installed before the first registration, with a stand-in for pip."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from spine_ctmr.errors import SpineError
from SpineCTMRRegistrationLib import dependencies
from SpineCTMRRegistrationLib.dependencies import NEEDED, SlicerInstaller, ensure, question


class Pip:
    """Makes the packages appear, or fails."""

    def __init__(self, absent: set[str], error: Exception | None = None, works: bool = True) -> None:
        self.absent, self.error, self.works = absent, error, works
        self.torch: list[str] = []
        self.others: list[str] = []

    def install_torch(self, requirement: str) -> None:
        self.torch.append(requirement)
        self._install({"torch"})

    def install(self, requirements) -> None:
        self.others += requirements
        self._install({p.module for p in NEEDED if p.requirement in requirements})

    def _install(self, modules: set[str]) -> None:
        if self.error:
            raise self.error
        if self.works:
            self.absent -= modules


@pytest.fixture
def absent(monkeypatch):
    """Modules that are not installed."""
    modules: set[str] = set()
    monkeypatch.setattr(dependencies, "missing_packages", lambda: [p for p in NEEDED if p.module in modules])
    return modules


def refuse(text: str) -> bool:
    raise AssertionError(f"asked without need: {text}")


def test_nothing_is_asked_where_nothing_is_missing(absent):
    assert ensure(refuse, Pip(absent))


def test_the_question_names_packages_and_sizes():
    text = question(NEEDED)
    for package in NEEDED:
        assert package.requirement in text
        assert package.size in text


def test_declining_installs_nothing(absent):
    absent |= {"torch", "scipy"}
    pip = Pip(absent)
    assert not ensure(lambda text: False, pip)
    assert pip.torch == pip.others == []


def test_only_what_is_missing_is_installed_and_torch_by_its_own_way(absent):
    absent |= {"torch", "safetensors"}
    pip = Pip(absent)
    assert ensure(lambda text: True, pip)
    assert pip.torch == [">=2.4"]
    assert pip.others == ["safetensors>=0.4"]


@pytest.mark.parametrize("pip", [{"error": OSError("no route to host")}, {"works": False}])
def test_a_failed_installation_is_one_sentence_with_the_mend(absent, pip):
    absent |= {"scipy"}
    with pytest.raises(SpineError) as raised:
        ensure(lambda text: True, Pip(absent, **pip))
    sentence = str(raised.value)
    assert sentence.startswith("scipy could not be installed; check the internet connection")
    assert sentence.count(". ") == 0


def test_a_missing_pytorch_extension_is_told():
    with pytest.raises(
        SpineError, match=r"extension PyTorch is missing, .*; install it with the Extensions Manager"
    ):
        SlicerInstaller().install_torch(">=2.4")


def test_torch_comes_through_the_pytorch_extension(monkeypatch):
    asked = []

    class PyTorchUtilsLogic:
        def installTorch(
            self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None
        ):
            asked.append(torchVersionRequirement)
            return types.ModuleType("torch")

    monkeypatch.setitem(
        sys.modules, "PyTorchUtils", types.SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic)
    )
    SlicerInstaller().install_torch(">=2.4")
    assert asked == [">=2.4"]


@pytest.fixture
def installed(host, monkeypatch):
    """What was asked of pip, with the constraints that were given; no `slicer.packaging`, as in 5.10."""
    asked = []

    def pip_install(requirements):
        assert requirements[0] == "--constraint"
        asked.append((requirements[2:], Path(requirements[1]).read_text()))

    monkeypatch.setattr(host.util, "pip_install", pip_install, raising=False)
    return asked


def test_slicer_5_10_installs_with_its_pip(installed):
    SlicerInstaller().install(["safetensors>=0.4"])
    ((requirements, constraints),) = installed
    assert requirements == ["safetensors>=0.4"]
    assert f"numpy=={np.__version__}" in constraints.splitlines()


def test_slicer_5_12_installs_with_its_packaging(installed, monkeypatch):
    asked = []

    def pip_install(requirements, constraints=None, no_deps_requirements=None, requester=None):
        asked.append((requirements, constraints.read_text(), requester))

    packaging = types.ModuleType("slicer.packaging")
    packaging.__spec__ = importlib.machinery.ModuleSpec("slicer.packaging", None)
    packaging.pip_install = pip_install
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    SlicerInstaller().install(["safetensors>=0.4"])
    ((requirements, constraints, requester),) = asked
    assert (requirements, requester) == (["safetensors>=0.4"], "SpineCTMRRegistration")
    assert f"numpy=={np.__version__}" in constraints.splitlines()
    assert installed == []


@pytest.mark.parametrize(
    ("version", "fits"), [("2.3.1+cpu", False), ("2.4.0", True), ("2.13.0+cu128", True), ("3.0a0", True)]
)
def test_a_package_that_is_too_old_is_missing(monkeypatch, version, fits):
    names = [package.requirement.partition(">")[0] for package in NEEDED]
    versions = dict.fromkeys(names, "99") | {"torch": version}
    monkeypatch.setattr(importlib.metadata, "version", versions.__getitem__)
    assert dependencies.missing_packages() == ([] if fits else [dependencies.TORCH])


def test_the_engine_runs_with_these_packages_alone(bare_run):
    assert bare_run.packages == str(sorted(package.module for package in NEEDED)), bare_run.errors
    assert (bare_run.results / "report.html").exists()
