"""The files that Slicer installs with the module: `python Testing/panel/cmake_lists.py` lists them anew."""

from __future__ import annotations

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration"
CMAKE = MODULE / "CMakeLists.txt"
SCRIPTS, RESOURCES = "MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"
NOT_INSTALLED = {"__pycache__", "spine_ctmr.egg-info", CMAKE.name}


def present() -> dict[str, list[str]]:
    """By variable, the files that belong into it: the module first, then by name."""
    paths = [p for p in MODULE.rglob("*") if p.is_file() and not p.name.startswith(".")]
    kept = [p for p in paths if not NOT_INSTALLED & set(p.parts)]
    names = sorted((p.relative_to(MODULE).as_posix() for p in kept), key=lambda name: ("/" in name, name))
    scripts = [name for name in names if name.endswith(".py")]
    return {SCRIPTS: scripts, RESOURCES: [name for name in names if name not in scripts]}


def listed(variable: str) -> list[str]:
    """What the CMake file names."""
    return _block(variable, CMAKE.read_text(encoding="utf-8"))[1].split()


def write() -> None:
    """Make the CMake file name what is there."""
    text = CMAKE.read_text(encoding="utf-8")
    for variable, names in present().items():
        lines = "".join(f"  {name}\n" for name in names)
        text = text.replace(_block(variable, text)[0], f"set({variable}\n{lines}  )")
    CMAKE.write_text(text, encoding="utf-8")


def _block(variable: str, text: str) -> re.Match[str]:
    found = re.search(rf"set\({variable}\s(.*?)\)", text, re.DOTALL)
    assert found, variable
    return found


if __name__ == "__main__":
    write()
