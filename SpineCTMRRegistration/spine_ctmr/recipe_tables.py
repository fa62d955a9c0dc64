"""Typed tables of a recipe: plain values in, a checked dataclass out, or one sentence that says why not."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .errors import InputError

Table = TypeVar("Table")


def read_table(kind: type[Table], values: Any, prefix: str, ready: Mapping[str, Any] | None = None) -> Table:
    """An instance of a dataclass from a table of plain values.

    Args:
        kind: a dataclass; lists become tuples and whole numbers floats where its types say so.
        values: the table.
        prefix: of the keys in messages, such as "network.".
        ready: values by key that have their types already.

    Raises:
        InputError: a key is unknown, or a value has the wrong type.
    """
    if not isinstance(values, dict):
        name = prefix.rstrip(".")
        raise InputError(f"recipe key '{name}' must be a table; write it as [{name}].")
    hints = typing.get_type_hints(kind)
    known = [f.name for f in dataclasses.fields(kind) if f.init]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise InputError(unknown_name(prefix + key, None, (prefix + k for k in known)))
    converted = {key: _converted(value, hints[key], prefix + key) for key, value in values.items()}
    return kind(**converted, **(ready or {}))


def require(good: bool, key: str, wanted: str) -> None:
    """Refuse a value.

    Raises:
        InputError: `good` is false; `wanted` says in words what the value must be.
    """
    if not good:
        raise InputError(f"recipe key '{key}' has an unusable value; it must be {wanted}.")


def unknown_name(key: str, value: object, known: Iterable[str]) -> str:
    """A sentence about a key that does not exist or, with `value`, about a value that names nothing."""
    what = f"unknown recipe key '{key}'" if value is None else f"recipe key '{key}' names no known '{value}'"
    return f"{what}; did you mean '{nearest(key if value is None else str(value), known)}'?"


def nearest(given: str, known: Iterable[str]) -> str:
    """The known name that is most like another one."""
    return difflib.get_close_matches(given, list(known), n=1, cutoff=0.0)[0]


def _converted(value: Any, hint: Any, key: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        items = typing.get_args(hint)
        if items[-1] is Ellipsis:
            return tuple(_converted(v, items[0], key) for v in value)
        if len(items) == len(value):
            return tuple(_converted(v, item, key) for v, item in zip(value, items, strict=True))
    elif isinstance(hint, types.UnionType):
        if type(value) in typing.get_args(hint):
            return value
    elif type(value) is hint:
        return value
    name = str(hint) if typing.get_origin(hint) else hint.__name__
    raise InputError(f"recipe key '{key}' must be {name}, not {value!r}.")
