"""Puts the command's own help into the pages: `{{ help register }}` becomes what `--help` prints."""

from __future__ import annotations

import os
import re
from typing import Any

from spine_ctmr.command.parsing import build_parser
from spine_ctmr.command.subcommands import subcommands

PLACE = re.compile(r"^\{\{ help (\S+) \}\}$", re.MULTILINE)
COLUMNS = "100"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with the help texts that it asks for; called by MkDocs for every page.

    Raises:
        KeyError: a page names a subcommand that does not exist.
    """
    return PLACE.sub(lambda found: f"```text\n{help_texts()[found[1]]}```", markdown)


def help_texts() -> dict[str, str]:
    """What `spine-ctmr NAME --help` prints, by name."""
    os.environ["COLUMNS"] = COLUMNS
    parser = build_parser(subcommands())
    choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
    return {name: child.format_help() for name, child in choices.items()}
