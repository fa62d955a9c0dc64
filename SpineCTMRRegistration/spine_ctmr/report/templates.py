"""Pages from templates: every text in them is escaped and freed of file paths."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..quality.privacy import without_paths

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = Path(__file__).parent / "assets"


def filled(template: str, **values: Any) -> str:
    """A page from a template in the assets; `values` that are no `Markup` are escaped."""
    return _environment().get_template(template).render(values)


def asset(name: str) -> Any:
    """The text of one of our own files, as `Markup` that goes into a page as it is."""
    from markupsafe import Markup

    return Markup((ASSETS / name).read_text(encoding="utf-8"))


def source(data: bytes, kind: str = "png") -> Any:
    """A picture as the address of an image, `Markup`."""
    from markupsafe import Markup

    return Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        finalize=_nameless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _nameless(value: Any) -> Any:
    """A text without file paths; what is `Markup` or no text stays."""
    return without_paths(value) if type(value) is str else value
