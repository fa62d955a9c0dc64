"""What must be filled in before the extension is published: `python Testing/panel/publication.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PLACEHOLDER = "OWNER"
ADDRESS = re.compile(r"github(?:usercontent)?\.com/([\w.-]+)/SlicerSpineCTMRRegistration")
FILES = (
    "CMakeLists.txt",
    "Resources/ExtensionsIndex/SpineCTMRRegistration.json",
    "README.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "mkdocs.yml",
    "pyproject.toml",
)


def accounts() -> dict[str, list[str]]:
    """By account, the lines ("CMakeLists.txt:8") with an address of the repository under it."""
    found: dict[str, list[str]] = {}
    for name in FILES:
        lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            for account in sorted(set(ADDRESS.findall(line))):
                found.setdefault(account, []).append(f"{name}:{number}")
    return found


def instruction() -> str:
    """What to replace where; empty when nothing is left to do."""
    known = accounts()
    places = ", ".join(known.get(PLACEHOLDER, []))
    others = sorted(set(known) - {PLACEHOLDER})
    if not places:
        return ""
    account = f"'{others[0]}'" if others else "the account under which the repository is published"
    return f"Replace {PLACEHOLDER} by {account} in {places}."


if __name__ == "__main__":
    print(instruction() or "Nothing is left to fill in.")
    sys.exit(bool(instruction()))
