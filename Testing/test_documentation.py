"""What the pages point at exists, and every room and subcommand has its place in them."""

from __future__ import annotations

import re
from argparse import _SubParsersAction
from pathlib import Path

import pytest
from spine_ctmr.command.parsing import build_parser
from spine_ctmr.command.subcommands import subcommands
from walls import FLOORS

REPOSITORY = Path(__file__).resolve().parents[1]
ENGINE = REPOSITORY / "SpineCTMRRegistration" / "spine_ctmr"
DOCS = REPOSITORY / "docs"
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
COMMAND = re.compile(r"spine-ctmr ([a-z-]+)((?:\\\n|[^`\n#])*)")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Resources/ExtensionsIndex/CHECKLIST.md")


@pytest.mark.parametrize("page", PAGES)
def test_links_outside_the_documentation_lead_to_files(page: str) -> None:
    """Those inside are checked when it is built."""
    path = REPOSITORY / page
    gone = [
        link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()
    ]
    assert not gone


def test_every_room_has_a_page_of_reference() -> None:
    rooms = {folder.name for folder in ENGINE.iterdir() if (folder / "__init__.py").is_file()} - {"research"}
    rooms |= {f"research.{folder.name}" for folder in (ENGINE / "research").iterdir() if folder.is_dir()}
    rooms -= {"research.__pycache__"}
    pages = (page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    shown = {name for page in pages for name in re.findall(r"^::: spine_ctmr\.(\S+)$", page, re.MULTILINE)}
    assert rooms <= shown
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    assert all(f"reference/{page.name}" in navigation for page in (DOCS / "reference").glob("*.md"))


def test_every_room_is_in_the_picture() -> None:
    shown = re.findall(r"<text [^>]*>([^<]+)</text>", (DOCS / "rooms.svg").read_text(encoding="utf-8"))
    assert set().union(*FLOORS) <= set(shown), "run `python Testing/draw_rooms.py`"


def test_every_subcommand_is_explained() -> None:
    guide = (DOCS / "commands.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\{\{ help (\S+) \}\}$", guide, re.MULTILINE)
    assert sorted(shown) == sorted(subcommand.name for subcommand in subcommands())


def test_every_named_option_exists() -> None:
    """In pages, docstrings and help texts, wherever it stands behind its subcommand."""
    (choices,) = (a for a in build_parser(subcommands())._actions if isinstance(a, _SubParsersAction))
    options = {name: set(parser._option_string_actions) for name, parser in choices.choices.items()}
    files = [*DOCS.rglob("*.md"), *ENGINE.rglob("*.py"), *(REPOSITORY / page for page in PAGES)]
    named = {
        (path.name, name, option)
        for path in files
        for name, rest in COMMAND.findall(path.read_text(encoding="utf-8"))
        for option in re.findall(r"(?<=\s)--[a-z][a-z0-9-]*", rest)
    }
    assert len(named) > 50
    assert not {(page, name, option) for page, name, option in named if option not in options.get(name, ())}
