"""Recipes as TOML files: those that come with this program, by name, and the user's own, by path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...process.untrusted import untrusted
from ...recipe_tables import nearest
from .recipe import Recipe, recipe_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED = Path(__file__).parent / "recipes"


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with this program."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find_recipe(name: str) -> Path:
    """The file of a recipe given by the name of a shipped one or by a path.

    Raises:
        InputError: there is no such recipe.
    """
    if name in shipped_recipes():
        return SHIPPED / f"{name}.toml"
    path = Path(name)
    if path.is_file():
        return path
    raise InputError(
        f"The recipe '{name}' is neither a shipped one nor a file; did you mean "
        f"'{nearest(name, shipped_recipes())}'? Or give the path of a TOML file."
    )


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    With `extends = "NAME"` it starts from another recipe, in the same folder or a shipped one, and its
    own keys replace that recipe's; tables are merged key by key, and a weight of 0 removes a loss.

    Raises:
        InputError: the file cannot be read or is no recipe.
    """
    with untrusted(path):
        try:
            return recipe_of(recipe_values(path))
        except InputError as error:
            raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error


def recipe_values(path: Path, extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Plain values of a recipe, those of the recipes that it extends included.

    Args:
        path: of the recipe.
        extended_by: the recipes that led here, without links in their paths.

    Raises:
        InputError: a file cannot be read, or a recipe extends itself.
    """
    if path.resolve() in extended_by:
        raise InputError(f"{path}: extends itself; remove one 'extends'.")
    values = read_toml(path)
    parent = values.pop("extends", None)
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise InputError(f"{path}: recipe key 'extends' must be the name of a recipe, not {parent!r}.")
    beside = path.parent / f"{parent}.toml"
    found = beside if beside.is_file() else find_recipe(parent)
    return overlaid(recipe_values(found, (*extended_by, path.resolve())), values)


def overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values with those of `above` in their place; tables are merged key by key."""
    both = {k: {**below[k], **v} for k, v in above.items() if isinstance(v, dict) and k in below}
    return {**below, **above, **both}


def read_toml(path: Path) -> dict[str, Any]:
    """Values of a TOML file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the recipe cannot be read; check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a valid TOML file ({error}); correct it.") from error
