"""JSON files that somebody else made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import InputError
from .process.untrusted import untrusted

MOST_DIGITS = 18
"""Whole numbers with more become floats, which cannot overflow."""

Pairs = list[tuple[str, Any]]


def read_json(path: Path, mend: str, table: Callable[[Pairs], Any] = dict) -> Any:
    """Content of a JSON file.

    Args:
        path: of the file, UTF-8 with or without a byte order mark.
        mend: what to do about a damaged one, for the message.
        table: makes a table of its keys and values.

    Raises:
        InputError: it cannot be read, is no JSON, or is nested too deeply.
    """
    with untrusted(path):
        text = path.read_bytes()
        try:
            return json.loads(text.decode("utf-8-sig"), object_pairs_hook=table, parse_int=_whole_number)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{path} is not valid JSON; {mend}.") from error


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)
