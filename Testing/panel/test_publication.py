"""The account's name: everywhere the same, and named as open as long as it is not known."""

from __future__ import annotations

import subprocess
import sys

from panel import publication
from panel.publication import PLACEHOLDER, REPOSITORY, accounts, instruction

CHECKLIST = REPOSITORY / "Resources" / "ExtensionsIndex" / "CHECKLIST.md"


def test_one_account_everywhere():
    found = accounts()
    assert len(found) == 1, f"several accounts: {found}. {instruction()}"
    places = next(iter(found.values()))
    assert {place.partition(":")[0] for place in places} >= {
        *("CMakeLists.txt", "Resources/ExtensionsIndex/SpineCTMRRegistration.json"),
    }


def test_an_unknown_account_is_open_in_the_checklist():
    text = CHECKLIST.read_text(encoding="utf-8")
    assert (PLACEHOLDER in text) == (PLACEHOLDER in accounts()), (
        instruction() or f"CHECKLIST.md still names {PLACEHOLDER}; mark the repository as done there."
    )
    assert "python Testing/panel/publication.py" in text


def test_the_lint_says_exactly_what_to_replace(monkeypatch, tmp_path):
    """All is filled in but the entry of the index."""
    entry = "Resources/ExtensionsIndex/SpineCTMRRegistration.json"
    for name in publication.FILES:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        filled = text if name == entry else text.replace(f"/{PLACEHOLDER}/", "/spine-lab/")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(filled, encoding="utf-8")
    monkeypatch.setattr(publication, "REPOSITORY", tmp_path)
    if PLACEHOLDER in accounts():
        assert instruction() == f"Replace {PLACEHOLDER} by 'spine-lab' in {entry}:9."
        (tmp_path / entry).write_text("{}")
    assert instruction() == ""


def test_the_lint_runs_alone():
    done = subprocess.run(
        [sys.executable, publication.__file__], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.strip() == (instruction() or "Nothing is left to fill in.")
    assert done.returncode == bool(instruction())
