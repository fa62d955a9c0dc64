"""How much memory this process has needed."""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


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
