"""Damage to a file, as a function of a number."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable

HEADER_BYTES = 400
NUMBERS = (
    *("0", "-1", "1", "7", "255", "256", "65536", "4294967296", "-9223372036854775809", "1e999", "-1e999"),
    *("nan", "inf", "-inf", "1e-320", "0.1", "2147483647", "9" * 400, "", "L4", "null", "1e5", "0x10"),
)
WORDS = (
    *(
        "null",
        "true",
        "[]",
        "{}",
        '""',
        '"L1"',
        "[1, 2]",
        '{"L1": 3}',
        "NaN",
        "-Infinity",
        '"\\ud800"',
        "\x00",
    ),
    *(
        "[" * 100_000,
        '{"a":' * 50_000,
        '"' + "x" * 100_000 + '"',
        "ä" * 300,
        "../../../etc/passwd",
        "\r\n",
        " ",
    ),
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_VALUE = re.compile(rb'"[^"\n]{0,60}"|\btrue\b|\bfalse\b|\bnull\b|[A-Za-z_][\w-]{2,}')

Change = Callable[[bytes, random.Random], bytes]


def damaged(content: bytes, number: int) -> bytes:
    """The content with one to four changes; the same number gives the same change."""
    rng = random.Random(f"damage {number}")
    zipped = content[:2] == b"\x1f\x8b" and len(content) > 18 and rng.random() < 0.8
    if zipped:
        content = gzip.decompress(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(TEXT if _is_text(content) else BINARY)(content, rng)
    return gzip.compress(content, 1, mtime=0) if zipped else content


def _is_text(content: bytes) -> bool:
    return b"\x00" not in content[:HEADER_BYTES]


def _place(content: bytes, rng: random.Random) -> int:
    """A byte, mostly of the header."""
    end = min(HEADER_BYTES, len(content)) if rng.random() < 0.8 else len(content)
    return rng.randrange(max(1, end))


def _bits(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(rng.choice((1, 2, 8))):
        changed[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _bytes(content: bytes, rng: random.Random) -> bytes:
    start, length = _place(content, rng), rng.choice((1, 2, 4, 8, 16))
    value = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", None))
    new = rng.randbytes(length) if value is None else value * length
    return content[:start] + new + content[start + length :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.choice((0, 1, _place(content, rng), rng.randrange(len(content) + 1)))]


def _removed(content: bytes, rng: random.Random) -> bytes:
    start = _place(content, rng)
    return content[:start] + content[start + rng.choice((1, 4, 100, 5000)) :]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    start, length = _place(content, rng), rng.choice((1, 8, 60, 1000))
    piece = content[start : start + length]
    return content[:start] + piece * rng.choice((2, 50)) + content[start + length :]


def _number(content: bytes, rng: random.Random) -> bytes:
    return _replaced(content, rng, _NUMBER, NUMBERS)


def _value(content: bytes, rng: random.Random) -> bytes:
    return _replaced(content, rng, _VALUE, WORDS)


def _line(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(min(len(lines), 60))
    change = rng.choice(("lost", "twice", "moved"))
    line = lines.pop(at)
    if change == "twice":
        lines[at:at] = [line, line]
    elif change == "moved":
        lines.insert(rng.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


def _replaced(content: bytes, rng: random.Random, what: re.Pattern[bytes], by: tuple[str, ...]) -> bytes:
    found = list(what.finditer(content[:20_000]))
    if not found:
        return _bytes(content, rng)
    match = rng.choice(found)
    return content[: match.start()] + rng.choice(by).encode() + content[match.end() :]


BINARY: tuple[Change, ...] = (_bits, _bits, _bytes, _bytes, _bytes, _cut, _removed, _doubled)
TEXT: tuple[Change, ...] = (_number, _number, _number, _value, _value, _line, _bytes, _bits, _cut, _doubled)
