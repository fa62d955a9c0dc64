"""Adds to `pyproject.toml` what it cannot say: the network files lie outside the library's folder.

In Slicer they must be in the module's `Resources/Networks`. An installed package holds them as
the data-only package `SpineCTMRRegistrationLib.bundled_networks`.
"""

from setuptools import find_packages, setup

MODULE = "SpineCTMRRegistration"
LIBRARY = "SpineCTMRRegistrationLib"
NETWORKS = f"{LIBRARY}.bundled_networks"

setup(
    packages=[*find_packages(MODULE, include=[LIBRARY, f"{LIBRARY}.*"]), NETWORKS],
    package_dir={LIBRARY: f"{MODULE}/{LIBRARY}", NETWORKS: f"{MODULE}/Resources/Networks"},
    package_data={
        NETWORKS: ["*.onnx", "*.json", "*.safetensors", "*.md"],
        LIBRARY: [
            f"{folder}/*.toml" for folder in ("training/recipes", "comparison/ablation", "comparison/papers")
        ],
    },
    include_package_data=False,
)
