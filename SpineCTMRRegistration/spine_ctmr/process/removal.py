"""Removing folders."""

from __future__ import annotations

import shutil
import time
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder and all in it, patiently: files of a process that just ended may still be busy."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
