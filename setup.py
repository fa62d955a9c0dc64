"""Adds to `pyproject.toml` what it cannot say: the network files lie outside the engine's folder.

In Slicer they must be in the module's `Resources/Networks`. An installed package holds them as
the data-only package `spine_ctmr.bundled_networks`.
"""

from setuptools import find_packages, setup

MODULE = "SpineCTMRRegistration"
ENGINE = "spine_ctmr"
NETWORKS = f"{ENGINE}.bundled_networks"

setup(
    packages=[*find_packages(MODULE, include=[ENGINE, f"{ENGINE}.*"]), NETWORKS],
    package_dir={ENGINE: f"{MODULE}/{ENGINE}", NETWORKS: f"{MODULE}/Resources/Networks"},
    package_data={
        NETWORKS: ["*.onnx", "*.json", "*.safetensors", "*.md"],
        ENGINE: [
            "py.typed",
            "cohort/workflow.smk",
            "report/assets/*",
            *(f"research/{f}/*.toml" for f in ("training/recipes", "studies/papers")),
        ],
    },
    include_package_data=False,
)
