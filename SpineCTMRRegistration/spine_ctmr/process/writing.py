"""Images and transforms written so that a failure says what the system says, not what the library says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROBE_BYTES = 1 << 20


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Write a file inside with a native library, which tells no cause when it fails.

    Raises:
        OSError: what happens when more is written to `path` now, such as "No space left on device".
    """
    try:
        yield
    except RuntimeError:
        try:
            with path.open("ab") as stream:
                stream.write(bytes(PROBE_BYTES))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
