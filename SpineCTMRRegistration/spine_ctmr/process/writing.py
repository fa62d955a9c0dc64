"""Images and transforms written so that a failure says what the system says, not what the library says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROBE_BYTES = 1 << 20


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Write a file inside, so that a failure tells the cause and the file; native libraries tell neither.

    Raises:
        OSError: with `path`; what happened, or what happens when more is written to `path` now, such as "No
            space left on device".
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    except RuntimeError:
        try:
            with path.open("ab") as stream:
                stream.write(bytes(PROBE_BYTES))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
