"""How much memory this process has needed, and memory that it must not ask for in vain."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
LIBRARY_BYTES, BLAS_BYTES = 400 << 20, 64 << 20
"""More than it takes to load the libraries, and than OpenBLAS takes at its first use."""


def peak_memory_mb() -> float | None:
    """Largest resident memory of this process so far in MB, where the system tells.

    On Linux from its own status: `getrusage` would also count the process that started it.
    """
    if STATUS.is_file():
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        peak = next((line for line in lines if line.startswith("VmHWM:")), None)
        if peak is not None:
            return round(int(peak.split()[1]) / 1024, 1)
    try:
        import resource
    except ImportError:
        return None
    kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kept / (1024**2 if sys.platform == "darwin" else 1024), 1)


def memory_limit_mb() -> int | None:
    """What the limits of this process (ulimit -v, -d) allow it, in MB; None where there are none."""
    try:
        import resource
    except ImportError:
        return None
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    set_ones = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return min(set_ones) >> 20 if set_ones else None


def give_back() -> None:
    """Return memory that is no longer used to the system, where the C library keeps it (glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def begin_blas() -> None:
    """Have the linear algebra of numpy and scipy take its working memory now.

    OpenBLAS takes it when it is loaded and first used and, where there is none, asks for it without end.

    Raises:
        MemoryError: there is not enough.
    """
    _require(LIBRARY_BYTES)
    import numpy as np
    from scipy.linalg import blas

    square = np.eye(2)
    for multiply in (np.matmul, lambda a, b: blas.dgemm(1.0, a, b)):
        _require(BLAS_BYTES)
        multiply(square, square)


def _require(size: int) -> None:
    """Take memory of this process alone, which all limits count, and give it back."""
    try:
        if sys.platform == "win32":
            mmap.mmap(-1, size).close()
        else:
            mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError as error:
        raise MemoryError from error
