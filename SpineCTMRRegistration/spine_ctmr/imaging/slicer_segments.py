"""The segments that a Slicer `.seg.nrrd` header lists, and which vertebra each one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .vertebra_names import (
    SACRUM,
    UNDERSTOOD,
    VERSE_NUMBERS,
    quoted_list,
    vertebra_name,
    vertebra_number,
)

if TYPE_CHECKING:
    import SimpleITK as sitk

_DEFAULT_NAME = re.compile(r"(?:segment|label)[ _](\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Segment:
    """One segment: its voxels are those of `layer` with `value`."""

    index: int
    name: str
    meanings: tuple[str, ...]
    value: int
    layer: int

    @property
    def number(self) -> int | None:
        """VerSe number by name, else by terminology."""
        names = (self.name, *reversed(self.meanings))
        return next((n for n in map(vertebra_number, names) if n is not None), None)


def segments_of(
    image: sitk.ImageFileReader | sitk.Image, components: int, path: Path
) -> list[Segment] | None:
    """Segments in a header; None if it is not that of a Slicer segmentation.

    Args:
        image: an opened file, or an image with the header of its file.
        components: values per voxel.
        path: where it comes from, for messages.
    """
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.startswith("Segment")}
    indices = sorted({int(m[1]) for key in header if (m := re.match(r"Segment(\d+)_", key))})
    if not indices:
        if "Segmentation_ContainedRepresentationNames" in header:
            raise InputError(f"{path} is a segmentation without segments; give the vertebra segmentation.")
        return None
    if "fractional" in header.get("Segmentation_SourceRepresentation", "").lower():
        raise InputError(f"{path} holds a fractional labelmap; save it as a binary labelmap.")
    return [_segment(i, header, components, path) for i in indices]


def meanings_of(terminology_entry: str) -> tuple[str, ...]:
    """What the codes of a segment's TerminologyEntry tag mean, from general to specific."""
    return tuple(re.findall(r"\^([^~^]+)(?=~|$)", terminology_entry))


def values_in_names(segments: Sequence[Segment]) -> dict[Segment, int]:
    """Label value by segment, if all names are only that: "20", or "Segment_20" as 3D Slicer imports labels.

    Slicer also names new segments Segment_1, Segment_2, …; such a run says nothing about levels.
    """
    names = {s: s.name.strip() for s in segments}
    if names and all(name.isdecimal() for name in names.values()):
        return {s: int(name) for s, name in names.items()}
    found = [_DEFAULT_NAME.fullmatch(name) for name in names.values()]
    values = {s: int(m[1]) for s, m in zip(names, found, strict=True) if m and s.number is None}
    plausible = len(values) == len(segments) == len(set(values.values()))
    return values if plausible and values and min(values.values()) > len(segments) else {}


def numbered_segments(segments: list[Segment], path: Path) -> tuple[dict[Segment, int], tuple[str, ...]]:
    """VerSe number of each vertebra segment, and warnings about the others.

    Raises:
        InputError: no vertebra among the names, or one vertebra named twice.
    """
    numbers = {s: n for s in segments if (n := s.number) is not None}
    if not numbers:
        return _by_default_names(segments, path)
    warnings: list[str] = []
    for number in sorted(set(numbers.values())):
        names = [f'"{s.name}"' for s, n in numbers.items() if n == number]
        if len(names) > 1 and number != SACRUM:
            raise InputError(
                f"{path} has {len(names)} segments for {vertebra_name(number)} ({', '.join(names)});"
                " keep one of them."
            )
        if len(names) > 1:
            warnings.append(f"{path}: {' and '.join(names)} were joined to the sacrum.")
    others = [s.name for s in segments if s not in numbers]
    if others:
        warnings.append(f"{path}: {quoted_list(others)} not recognised as vertebrae and ignored.")
    return numbers, tuple(warnings)


def _by_default_names(segments: list[Segment], path: Path) -> tuple[dict[Segment, int], tuple[str, ...]]:
    """Names such as "Segment_20", if they fit VerSe."""
    numbers = values_in_names(segments)
    if not numbers or not set(numbers.values()) <= VERSE_NUMBERS:
        raise InputError(
            f"{path} has no segment named after a vertebra (found {quoted_list([s.name for s in segments])});"
            f" rename the segments: {UNDERSTOOD} are understood."
        )
    return numbers, (f"{path}: segment names were read as VerSe numbers (Segment_20 = L1).",)


def _segment(index: int, header: dict[str, str], layers: int, path: Path) -> Segment:
    def field(name: str, default: str) -> str:
        return header.get(f"Segment{index}_{name}", default).strip()

    def number(name: str, default: str) -> int:
        try:
            return int(field(name, default))
        except ValueError as error:
            raise InputError(
                f"{path} gives segment {index} the {name} '{field(name, default)}', which is no whole "
                "number; save the segmentation again."
            ) from error

    terms = re.search(r"TerminologyEntry:([^|]*)", field("Tags", ""))
    layer = number("Layer", str(index) if layers > 1 else "0")
    name = field("Name", field("ID", f"Segment_{index}"))
    return Segment(index, name, meanings_of(terms[1] if terms else ""), number("LabelValue", "1"), layer)
