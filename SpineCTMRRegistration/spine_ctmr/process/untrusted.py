"""The boundary to files that somebody else made: whatever is wrong with one becomes a sentence about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ..errors import InputError, SpineError
from .account import told_reading
from .explanation import is_out_of_memory, one_line

SLOWEST_BYTES_PER_S = 1e6
SLOWEST_FILES_PER_S = 50.0
MOST_FILES = 50_000
"""No series of images has more; a whole disk given by mistake is not counted to its end."""
PATIENCE_S = 30.0
"""Reading that takes this long beyond what the size explains has got stuck."""

Given = ParamSpec("Given")
Found = TypeVar("Found")


@contextmanager
def untrusted(path: Path) -> Iterator[None]:
    """Read a file or folder inside.

    A worker tells its overseer, which ends it if reading takes too long and names the file if reading
    crashes in native code.

    Raises:
        InputError: for whatever reading raises, one sentence that names the file; SpineErrors pass.
    """
    try:
        with told_reading(str(path), patience_s(path)):
            yield
    except SpineError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            problem, mend = "needs more memory than there is", "close other programs or give a smaller one"
        elif isinstance(error, OSError) and error.strerror:
            problem, mend = f"cannot be read ({error.strerror})", "check the path and its permissions"
        else:
            problem = f"cannot be used ({type(error).__name__}: {one_line(error)})"
            mend = "it seems damaged; copy or export it again"
        raise InputError(f"'{path}' {problem}; {mend}.") from error


def reads_untrusted(
    read: Callable[Concatenate[Path, Given], Found],
) -> Callable[Concatenate[Path, Given], Found]:
    """Let a function read the path that is its first argument as in `untrusted`."""

    @wraps(read)
    def safely(path: Path, /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        with untrusted(path):
            return read(path, *args, **kwargs)

    return safely


def patience_s(path: Path) -> float:
    """How long reading a file, or a folder with all in it, may take."""
    files, size = 0, 0
    for name in islice(_files(path), MOST_FILES):
        with suppress(OSError, ValueError):  # reading it will tell
            size += os.stat(name).st_size
        files += 1
    return PATIENCE_S + size / SLOWEST_BYTES_PER_S + files / SLOWEST_FILES_PER_S


def _files(path: Path) -> Iterator[str]:
    if not os.path.isdir(path):
        yield str(path)
        return
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)
