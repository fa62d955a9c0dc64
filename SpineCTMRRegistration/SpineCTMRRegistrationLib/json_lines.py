"""Lines of JSON from chunks of bytes."""

from __future__ import annotations

import json
from typing import Any

Line = dict[str, Any] | str
"""A JSON object, or the text of a line that is none."""


class LineReader:
    """Collects chunks, which may split lines and characters, and gives whole lines of text."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes, without empty ones."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [text for line in whole if (text := _text(line))]

    def close(self) -> list[str]:
        """The last line, if it had no end."""
        return self.feed(b"\n")


def parse(line: str) -> Line:
    """A line as a JSON object; itself if it is none."""
    try:
        content = json.loads(line)
    except json.JSONDecodeError:
        return line
    return content if isinstance(content, dict) else line


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").strip()
