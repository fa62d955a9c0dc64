"""The definitions of containers run what is here; whether an image builds shows only where one is built."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
CONTAINER = REPOSITORY / "container"
SCRIPTS = ("install.sh", "check.sh")


@pytest.mark.skipif(os.name != "posix", reason="a shell of Linux")
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_can_be_run(name: str) -> None:
    assert os.access(CONTAINER / name, os.X_OK)
    subprocess.run(["sh", "-n", CONTAINER / name], check=True)


@pytest.mark.parametrize("name", ["Dockerfile", "spine-ctmr.def"])
def test_the_definitions_take_the_repository_and_install_it(name: str) -> None:
    text = (CONTAINER / name).read_text(encoding="utf-8")
    assert re.search(r"^(COPY|\s+)\s*\. /opt/source$", text, re.MULTILINE)
    assert "/opt/source/container/install.sh" in text
    assert "debian:12-slim" in text


def test_every_instruction_of_the_dockerfile_is_one() -> None:
    lines = (CONTAINER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert words == ["FROM", "COPY", "RUN", "ENV", "ENTRYPOINT"]
