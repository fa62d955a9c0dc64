"""What patients that are registered side by side on this computer may use together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HEADROOM = 0.9
"""Share of the memory that the registrations may ask for."""
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
LIMITS = {"": "memory.max", "memory": "memory.limit_in_bytes"}
"""File of a Linux control group's limit by hierarchy: version 2 has one for all, version 1 one for memory."""


def shared_memory_mb() -> int:
    """Memory for all of them: of the computer, or what a container or a batch job on it may use."""
    import psutil  # which Snakemake brings

    return int(HEADROOM * min([psutil.virtual_memory().total, *_group_limits()]) / 1e6)


def _group_limits() -> Iterator[int]:
    """Bytes that the control groups of this process allow it; none where there is no limit."""
    with suppress(OSError):
        for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines():
            _, hierarchy, group = line.split(":", 2)
            if hierarchy not in LIMITS:
                continue
            own = GROUPS / hierarchy / group.lstrip("/")
            for folder in (own, *own.parents):
                with suppress(OSError, ValueError):  # "max"
                    yield int((folder / LIMITS[hierarchy]).read_text(encoding="utf-8"))
