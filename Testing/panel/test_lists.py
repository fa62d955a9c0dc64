"""Lints: the .ui file against the parameter node, the CMake lists against the files."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from panel import cmake_lists

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "SpineCTMRRegistration"
UI = MODULE / "Resources" / "UI" / "SpineCTMRRegistration.ui"
WITHOUT_WIDGET = {"segmentNames", "namedVertebrae"}
"""Parameters that are edited in a table."""


def widgets() -> list[ElementTree.Element]:
    return list(ElementTree.parse(UI).iter("widget"))


def parameter_names() -> set[str]:
    text = (MODULE / "SpineCTMRRegistrationLib" / "parameters.py").read_text()
    body = text.partition("class Parameters:")[2].partition("\n\n\n")[0]
    return set(re.findall(r"^    (\w+): ", body.rpartition('"""')[2], re.MULTILINE))


def test_every_parameter_has_a_widget_and_every_widget_its_parameter():
    named = [
        prop.findtext("string")
        for widget in widgets()
        for prop in widget.findall("property")
        if prop.get("name") == "SlicerParameterName"
    ]
    assert len(named) == len(set(named))
    assert set(named) == parameter_names() - WITHOUT_WIDGET


def test_slicer_parameter_names_are_dynamic_strings():
    for widget in widgets():
        for prop in widget.findall("property"):
            if prop.get("name", "").startswith("Slicer"):
                assert prop.get("name") == "SlicerParameterName"
                assert prop.get("stdset") == "0"


def test_widget_names_are_unique():
    names = [widget.get("name") for widget in widgets()]
    assert len(names) == len(set(names))


def test_every_node_selector_follows_the_scene():
    connected = {c.findtext("receiver") for c in ElementTree.parse(UI).iter("connection")}
    selectors = {w.get("name") for w in widgets() if w.get("class") == "qMRMLNodeComboBox"}
    assert connected == selectors


def test_every_control_has_a_tool_tip():
    explained = {"registerButton", "progressBar", "logText"}  # their words depend on the state
    classes = {"qMRMLNodeComboBox", "QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QSpinBox"}
    for widget in widgets():
        if widget.get("class") in classes and widget.get("name") not in explained:
            tips = [p for p in widget.findall("property") if p.get("name") == "toolTip"]
            assert tips, widget.get("name")
            assert tips[0].findtext("string")


@pytest.mark.parametrize("variable", [cmake_lists.SCRIPTS, cmake_lists.RESOURCES])
def test_cmake_lists_every_file(variable: str) -> None:
    names, present = cmake_lists.listed(variable), cmake_lists.present()[variable]
    assert len(names) == len(set(names))
    missing, gone = sorted(set(present) - set(names)), sorted(set(names) - set(present))
    mend = "run `python Testing/panel/cmake_lists.py`"
    assert not missing, f"{mend}: {variable} lacks {missing}"
    assert not gone, f"{mend}: {variable} still has {gone}"


def test_the_cmake_lists_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "CMakeLists.txt"
    before = cmake_lists.CMAKE.read_text()
    copy.write_text(before.replace("  spine_ctmr/errors.py\n", "  spine_ctmr/gone.py\n"))
    monkeypatch.setattr(cmake_lists, "CMAKE", copy)
    assert "spine_ctmr/gone.py" in cmake_lists.listed(cmake_lists.SCRIPTS)
    cmake_lists.write()
    assert copy.read_text() == before


def test_only_the_module_lies_beside_its_cmake_file():
    """Slicer takes every other Python file there for a module of its own."""
    assert [path.name for path in MODULE.glob("*.py")] == [f"{MODULE.name}.py"]


def test_extension_index_entry_and_cmake_name_the_same_repository():
    entry = json.loads((REPOSITORY / "Resources/ExtensionsIndex/SpineCTMRRegistration.json").read_text())
    cmake = (REPOSITORY / "CMakeLists.txt").read_text()
    values = dict(re.findall(r'set\((EXTENSION_\w+) "([^"]*)"\)', cmake))
    assert values["EXTENSION_HOMEPAGE"] == entry["scm_url"]
    assert values["EXTENSION_CATEGORY"] == entry["category"]
    assert values["EXTENSION_DEPENDS"].split() == entry["build_dependencies"]
    raw = entry["scm_url"].replace("github.com", "raw.githubusercontent.com") + f"/{entry['scm_revision']}/"
    for url in [values["EXTENSION_ICONURL"], *values["EXTENSION_SCREENSHOTURLS"].split()]:
        assert url.startswith(raw)
        assert (REPOSITORY / url.removeprefix(raw)).is_file(), url


def test_pictures_are_small():
    pictures = list((REPOSITORY / "docs").rglob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 250_000, picture.name
