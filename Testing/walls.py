"""Which rooms the engine has, and which imports which, read from every import statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "SpineCTMRRegistration"
ENGINE, PANEL = "spine_ctmr", "SpineCTMRRegistrationLib"

FLOORS = (
    {"choices", "errors"},
    {"geometry", "process", "progress"},
    {"json_files", "recipe_tables", "similarity"},
    {"imaging"},
    {"alignment", "network"},
    {"deformation", "network_looks", "vertebrae"},
    {"options", "phantoms"},
    {"registration_result"},
    {"field_registration"},
    {"quality", "registration"},
    {"report"},
    {"results"},
    {"cohort", "evaluation", "planning"},
    {"api"},
    {"demo", "research"},
    {"command"},
    {"__main__"},
)
"""Rooms of the engine from the ground up: each may know those below it, none beside or above it."""


@dataclass(frozen=True)
class Import:
    """One imported module or package.

    Attributes:
        module: its full name.
        name: what is taken from it; "" for the whole.
        on_load: whether it is imported when the importing module is.
    """

    module: str
    name: str
    on_load: bool


@cache
def modules() -> dict[str, Path]:
    """Files of both packages and of the Slicer module by full name; a package is its `__init__`."""
    paths = [p for package in (ENGINE, PANEL) for p in (ROOT / package).rglob("*.py")]
    paths.append(ROOT / "SpineCTMRRegistration.py")
    return {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


@cache
def imports(module: str) -> tuple[Import, ...]:
    path = modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8")), package, True))


def _imports(node: ast.AST, package: str, on_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, "", on_load) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            base = ".".join([*above, *([child.module] if child.module else [])])
            for alias in child.names:
                whole = f"{base}.{alias.name}"
                yield Import(whole, "", on_load) if whole in modules() else Import(base, alias.name, on_load)
        else:
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _for_types_only(child)
            yield from _imports(child, package, on_load and not later)


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def room(module: str) -> str:
    """The room of a module of the engine; "" for the engine itself."""
    return module.split(".")[1] if module.startswith(f"{ENGINE}.") else ""


def engine_modules() -> list[str]:
    return [module for module in modules() if module.split(".")[0] == ENGINE]


def links() -> Iterator[tuple[str, str, str]]:
    """Importing module, its room and the other room of the engine that it imports."""
    for module in engine_modules():
        for found in imports(module):
            if room(found.module) not in ("", room(module)):
                yield module, room(module), room(found.module)


def reached(start: str, on_load: bool) -> set[str]:
    """Full names, of other packages too, that importing a module imports in turn, its packages included."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        if module in modules():
            waiting += [found.module for found in imports(module) if found.on_load or not on_load]
    return seen
