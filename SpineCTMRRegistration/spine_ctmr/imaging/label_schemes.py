"""The numbers that programs and data sets give to vertebrae in label maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .typical_sizes import ORDER
from .vertebra_names import L6, SACRUM, T13, VERSE_NUMBERS

_PLAIN = [n for n in ORDER if n not in (T13, L6, SACRUM)]
"""C1 to L5 from head to tail."""
_UPWARD = _PLAIN[::-1]
_ORGANS = 10
"""Fewer labels of organs than this are something else."""


AUTO = "auto"
"""Not given: labels bring names, or their scheme is recognised."""


@dataclass(frozen=True)
class LabelScheme:
    """A way to number vertebrae.

    Attributes:
        name: as `--label-scheme` takes it.
        title: whose numbers they are.
        numbers: VerSe number by label value.
        others: label values that are known not to be vertebrae.
        others_at_once: how many of them must be there to be believed; organs come in numbers.
        others_with: for some of them, labels of which one must be there too.
    """

    name: str
    title: str
    numbers: Mapping[int, int]
    others: frozenset[int] = frozenset()
    others_at_once: int = 0
    others_with: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def reads(self, labels: Iterable[int]) -> dict[int, int]:
        """VerSe number of each of `labels` that is a vertebra here."""
        return {label: self.numbers[label] for label in sorted(labels) if label in self.numbers}

    def unknown(self, labels: Iterable[int]) -> list[int]:
        """Those of `labels` that mean nothing here."""
        found = set(labels)
        others = {n for n in found & self.others if n not in self.others_with or found & self.others_with[n]}
        known = others if len(others) >= self.others_at_once else frozenset()
        return sorted(n for n in labels if n not in self.numbers and n not in known)


def _counted(first: int, numbers: Iterable[int]) -> dict[int, int]:
    return dict(enumerate(numbers, start=first))


VERSE = LabelScheme(
    "verse",
    "VerSe",
    {n: n for n in VERSE_NUMBERS},
    frozenset([27, *range(29, 34), *range(101, 129), *range(201, 229)]),
    others_with={27: frozenset(range(1, 25)), **dict.fromkeys(range(29, 34), frozenset([SACRUM]))},
)
"""C1=1 … C7=7, T1=8 … T12=19, L1=20 … L6=25, sacrum=26, coccyx=27, T13=28 (Sekuboyina et al. 2021).

SPINEPS with level names (VERIDAH) adds 100 for the disc and 200 for the end plate below, and 29 to 33 for S2
to S6 (TPTBox `Vertebra_Instance`). TotalSegmentator's `vertebrae_pp` is 1 to 24 of it.
"""

INSTANCES = LabelScheme(
    "spineps-instances",
    "SPINEPS without level names, counted up from the sacrum",
    {},
    frozenset([27, *range(101, 129), *range(201, 229)]),
)
"""1, 2, … from the topmost vertebra seen, sacrum 26 (SPINEPS README): `scheme_choice` counts from L5."""

SCHEMES = (
    VERSE,
    LabelScheme(
        "totalsegmentator",
        "TotalSegmentator 2",
        {25: SACRUM, 26: SACRUM, **_counted(27, _UPWARD)},
        frozenset(range(1, 118)) - frozenset(range(25, 51)),
        _ORGANS,
    ),  # "total": sacrum 25, vertebrae_S1 26, L5 27 … C1 50
    LabelScheme(
        "totalsegmentator-v1",
        "TotalSegmentator 1",
        {**_counted(18, _UPWARD), 92: SACRUM},
        frozenset([*range(1, 18), *range(42, 92), *range(93, 105), *range(200, 225)]),
        _ORGANS,
    ),  # "total_v1": L5 18 … C1 41, sacrum 92; TotalSpineSeg of 2024-05 adds cord, canal, discs: 200 on
    LabelScheme(
        "totalspineseg",
        "TotalSpineSeg",
        {
            **_counted(11, ORDER[:7]),
            **_counted(21, _PLAIN[7:19]),
            **_counted(41, [*_PLAIN[19:], L6]),
            50: SACRUM,
        },
        frozenset([1, 2, *range(63, 101)]),
    ),  # C1 11 … C7 17, T1 21 … T12 32, L1 41 … L5 45, L6 46, sacrum 50, discs 63 … 100
    LabelScheme(
        "vertebrae-mr", "TotalSegmentator vertebrae_mr", {1: SACRUM, **_counted(2, _UPWARD)}
    ),  # sacrum 1, L5 2 … C1 25
    LabelScheme(
        "spider",
        "SPIDER",
        {**_counted(1, _UPWARD), **_counted(101, _UPWARD)},
        frozenset([100, *range(201, 226)]),
    ),  # counted from L5 = 1 upward, 101 … where the image cuts it, canal 100, discs from 201 on
    LabelScheme(
        "mrspineseg",
        "MRSpineSeg",
        {1: SACRUM, **_counted(2, _UPWARD[:9])},
        frozenset(range(11, 20)),
    ),  # S 1, L5 2 … T9 10, discs 11 … 19
    INSTANCES,
)
"""Known schemes.

Sources: wasserth/TotalSegmentator `map_to_binary.py` (2026-08), neuropoly/totalspineseg README and
`tss_map.json` (2026-05), Hendrik-code/spineps README (2026-06), SPIDER (van der Graaf et al. 2024, doi
10.1038/s41597-024-03090-w, numbers as its baseline algorithm states them and TotalSpineSeg's `spider.json`
converts them), MRSpineSeg's data description (Pang et al. 2021).
"""

_V3 = replace(
    SCHEMES[1], name="totalsegmentator-v3", title="TotalSegmentator 3", numbers={**SCHEMES[1].numbers, 26: 25}
)
"""Task "total_v3", where 26 is L6; it is not recognised, because version 2 has part of the sacrum there."""

BY_NAME = {scheme.name: scheme for scheme in (*SCHEMES, _V3)} | {"vertebrae-pp": VERSE, "spineps": VERSE}
