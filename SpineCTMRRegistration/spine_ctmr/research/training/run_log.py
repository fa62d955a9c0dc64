"""Tables of a training run that survive a kill and never repeat a step."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType


class RunLog:
    """A CSV file, flushed after each row; opened again it continues after a given step.

    Args:
        path: of the file.
        columns: after the leading column "step".
        steps_done: rows of this step and later ones are dropped, because they will be written again.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], steps_done: int) -> None:
        kept = [row for row in read_log(path) if int(row["step"]) <= steps_done]
        self._columns = ("step", *columns)
        self._stream = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._stream, self._columns, extrasaction="ignore")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._stream.flush()

    def write(self, step: int, **values: float) -> None:
        """Append one row."""
        self._writer.writerow({"step": step, **{k: f"{v:.6g}" for k, v in values.items()}})
        self._stream.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """Complete rows of a log; none where the file is missing."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if all(value is not None for value in row.values())]
