"""Which room may import which: the walls of the house."""

from __future__ import annotations

import pytest
from walls import ENGINE, FLOORS, PANEL, engine_modules, imports, links, modules, reached, room

LITTLE_KNOWN = {
    "geometry": set(),
    "similarity": {"geometry"},
    "imaging": {"errors", "geometry", "json_files", "process"},
}
"""Rooms that know no more than these, whatever lies below them."""

PANEL_KNOWS = {"choices", "errors", "imaging", "process", "report", "results"}
"""Rooms of which the panel may use what is light."""

HEAVY = {"SimpleITK", "matplotlib", "onnxruntime", "scipy", "torch"}
"""Packages that Slicer must not load, or load again, when the module is opened."""

SLICER = {"PythonQt", "ctk", "mrml", "qt", "slicer"}


def test_every_room_has_a_floor() -> None:
    known = set().union(*FLOORS)
    assert {room(module) for module in engine_modules()} - {""} == known
    assert sum(map(len, FLOORS)) == len(known)


def test_every_room_knows_only_rooms_below_it() -> None:
    height = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    upward = [(module, other) for module, own, other in links() if own and height[other] >= height[own]]
    assert not upward


@pytest.mark.parametrize("name", LITTLE_KNOWN)
def test_the_ground_floor_knows_no_stage(name: str) -> None:
    assert {other for _, own, other in links() if own == name} <= LITTLE_KNOWN[name]


def test_rooms_take_only_the_version_from_the_engine_itself() -> None:
    """Anything else of its face would lead in a circle."""
    taken = {
        (module, found.name)
        for module in engine_modules()
        if room(module)
        for found in imports(module)
        if found.module == ENGINE
    }
    assert {name for _, name in taken} == {"__version__"}, taken


def test_only_the_command_line_knows_research() -> None:
    assert {own for _, own, other in links() if other == "research"} == {"command"}


def test_register_reaches_no_learning() -> None:
    found = reached(f"{ENGINE}.registration", on_load=False)
    assert f"{ENGINE}.deformation.deformation" in found
    assert not {module for module in found if room(module) in ("research", "command")}


def test_the_engine_knows_neither_the_panel_nor_slicer() -> None:
    above = {
        (module, found.module)
        for module in engine_modules()
        for found in imports(module)
        if found.module.split(".")[0] in {PANEL, *SLICER}
    }
    assert not above


def test_the_panel_knows_only_light_parts_of_the_engine() -> None:
    panel = [module for module in modules() if module.split(".")[0] != ENGINE]
    known = {found.module for module in panel for found in imports(module) if room(found.module)}
    assert {room(module) for module in known} <= PANEL_KNOWS
    heavy = {(m, other) for m in known for other in reached(m, on_load=True) if other.split(".")[0] in HEAVY}
    assert not heavy
