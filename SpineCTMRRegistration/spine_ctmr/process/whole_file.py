"""Files that are complete or not there, whenever the program ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream to a file that appears under its name once all is written and on the disk.

    Until then, and for good where writing fails, an earlier file of that name stays as it is. Several may
    write one file at a time, on several computers too: the last to finish stays.
    """
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 as `whole_file` does, its line ends as they are."""
    with whole_file(path) as stream:
        stream.write(text.encode())
