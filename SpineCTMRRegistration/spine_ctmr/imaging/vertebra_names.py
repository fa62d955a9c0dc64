"""Vertebra names and VerSe numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

ATLAS = 1
L6 = 25
SACRUM = 26
T13 = 28

_NAMES = {
    **{n: f"C{n}" for n in range(1, 8)},
    **{n: f"T{n - 7}" for n in range(8, 20)},
    **{n: f"L{n - 19}" for n in range(20, 26)},
    SACRUM: "S1",
    T13: "T13",
}
_NUMBERS = {name.lower(): number for number, name in _NAMES.items()}

VERSE_NUMBERS = frozenset(_NAMES)
"""Every number that names a vertebra: 1-26 and 28."""

UNDERSTOOD = 'names such as "L1", "vertebrae_L1", "L1 vertebra", "sacrum" or VerSe numbers'
"""What may be called a vertebra, for error messages."""

_FILLERS = {"vertebra", "vertebrae", "vertebral", "vert", "structure", "bone", "os", "of", "the", "entire"}
_EDITING = {
    "edited",
    "edit",
    "copy",
    "final",
    "corrected",
    "manual",
    "auto",
    "automatic",
    "new",
    "fixed",
    "checked",
}
"""What people add to a name without meaning anything else."""
_REGIONS = {
    "c": "c",
    "cervical": "c",
    "t": "t",
    "th": "t",
    "d": "t",
    "thoracic": "t",
    "dorsal": "t",
    "l": "l",
    "lumbar": "l",
    "s": "s",
    "sacral": "s",
    **dict.fromkeys(("hwk", "hw", "halswirbel"), "c"),
    **dict.fromkeys(("bwk", "bw", "brustwirbel"), "t"),
    **dict.fromkeys(("lwk", "lw", "lendenwirbel"), "l"),
    "swk": "s",
}
_WHOLE = {"sacrum": SACRUM, "sacral": SACRUM, "kreuzbein": SACRUM, "atlas": 1, "axis": 2}
_NUMBERED = re.compile(r"(?P<level>[a-z]+[ _]?(?P<count>\d{1,2}))[-_ ](?P<point>\d+)")
"""A point or a copy that 3D Slicer numbered: "L3-1" in a list called L3, "L3_1"."""
_POINT_SUFFIXES = (" vertebral body", " body", " centroid", " center", " centre")
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
]


def vertebra_number(name: str) -> int | None:
    """VerSe number of a vertebra name, or None if the name is not exactly one whole vertebra.

    Understands VerSe numbers ("20"), plain names ("L1", "Th12", "D12"), TotalSegmentator and
    TotalSpineSeg ("vertebrae_L1", "sacrum"), SPINEPS ("L1", "Sacrum") and Slicer terminology
    ("L1 vertebra", "First lumbar vertebra"), German ("LWK 1"), and names that were numbered or edited
    ("L1-1", "L1 (edited)"); case, spaces, hyphens and underscores do not matter. "L1-2" is a disc.
    """
    text = name.strip().lower()
    numbered = _NUMBERED.fullmatch(text)
    if numbered and int(numbered["point"]) != int(numbered["count"]) + 1:
        text = numbered["level"]
    if text.isdecimal():
        number = int(text)
        return number if number in VERSE_NUMBERS else None
    outside, inside = re.sub(r"\(.*?\)", " ", text), " ".join(re.findall(r"\((.*?)\)", text))
    inside = "" if all(word in _EDITING or word.isdecimal() for word in inside.split()) else inside
    first, second = _one_vertebra(outside), _one_vertebra(inside)
    if outside.strip() and inside.strip():
        return first if first == second else None
    return first or second


def landmark_number(name: str) -> int | None:
    """Like `vertebra_number`, for the name of a point, which may end in "body", "centre" and the like."""
    text = " ".join(name.replace("_", " ").split())
    for suffix in _POINT_SUFFIXES:
        if text.lower().endswith(suffix):
            text = text[: -len(suffix)]
            break
    return vertebra_number(text)


def vertebra_name(number: int) -> str:
    """Short name of a VerSe number, for example "L1" for 20; unknown numbers give "label 99"."""
    return _NAMES.get(int(number), f"label {number}")


def vertebra_list(numbers: Iterable[int]) -> str:
    """Names from cranial to caudal, separated by commas."""
    return ", ".join(vertebra_name(n) for n in cranial_to_caudal(numbers))


def quoted_list(names: Sequence[str]) -> str:
    """The first ten names in quotation marks, and how many more there are."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(f'"{n}"' for n in names[:10]) + more


def cranial_to_caudal(numbers: Iterable[int]) -> list[int]:
    """VerSe numbers from head to tail, with T13 between T12 and L1."""
    return sorted(numbers, key=lambda n: 19.5 if n == T13 else float(n))


def _one_vertebra(text: str) -> int | None:
    words = [w for w in re.split(r"[^a-z0-9]+", text) if w and w not in _FILLERS | _EDITING]
    if len(words) == 1:
        level = re.fullmatch(r"([a-z]+?)0?(\d{1,2})", words[0])
        return _level(level[1], level[2]) if level else _WHOLE.get(words[0])
    if len(words) == 2:
        return _level(words[0], words[1]) or _level(words[1], words[0])
    return None


def _level(region: str, count: str) -> int | None:
    letter = _REGIONS.get(region)
    if count in _ORDINALS:
        count = str(_ORDINALS.index(count) + 1)
    digits = re.fullmatch(r"0?(\d{1,2})(st|nd|rd|th)?", count)
    if letter is None or digits is None:
        return None
    return _NUMBERS.get(f"{letter}{int(digits[1])}")
