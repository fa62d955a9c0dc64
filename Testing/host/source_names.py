"""Which names of Slicer and Qt the module's files use, read from their source without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration"
FILES = (
    MODULE_FOLDER / "SpineCTMRRegistration.py",
    *sorted((MODULE_FOLDER / "SpineCTMRRegistrationLib").rglob("*.py")),
)


@dataclass(frozen=True)
class Use:
    """One attribute of something, such as `ui.registerButton.enabled`.

    Attributes:
        path: ("ui", "registerButton", "enabled"); "self._ui" and "self.ui" count as "ui".
        where: file and line.
        called: whether it is called.
        text: the first argument of the call if that is a literal text.
    """

    path: tuple[str, ...]
    where: str
    called: bool
    text: str | None


def uses() -> list[Use]:
    """Every chain of attributes in the files of the panel."""
    return [use for file in FILES for use in _uses_in(file)]


def _uses_in(file: Path) -> Iterator[Use]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in imported:
        for alias in node.names:
            yield Use((*(node.module or "").split("."), alias.name), _where(file, node), False, None)
    for node in ast.walk(tree):
        path = _path(node)
        if path and node not in inner:
            call = calls.get(node)
            first = call.args[0] if call and call.args else None
            text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            yield Use(path, _where(file, node), call is not None, text)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            name = node.args[1]
            literal = name.value if isinstance(name, ast.Constant) else "<computed>"
            yield Use((*_path(node.args[0]), literal), _where(file, node), False, None)


def _where(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(MODULE_FOLDER)}:{node.lineno}"


def _path(node: ast.AST) -> tuple[str, ...]:
    names = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not names:
        return (node.id,) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else ()
    path = (node.id, *names)
    if path[0] == "self" and path[1] in ("ui", "_ui"):
        path = ("ui", *path[2:])
    return path
