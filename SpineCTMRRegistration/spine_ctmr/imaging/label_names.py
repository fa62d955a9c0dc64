"""The names that come with a label map: in its header, or in the `dataset.json` of nnU-Net beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from .label_schemes import LabelScheme
from .label_tables import named_scheme, table_of
from .nifti_header import read_nifti_header

DATASET = "dataset.json"


def scheme_beside(path: Path, labels: Collection[int]) -> tuple[LabelScheme | None, tuple[str, ...]]:
    """The numbering that the names with a label map state, None without any, and warnings.

    A `dataset.json` in the folder of the label map or the one above counts if it names all its labels.

    Args:
        path: of the label map, a file.
        labels: its values.
    """
    if not path.is_file():
        return None, ()
    header = read_nifti_header(path)
    for text in () if header is None else header.extensions:
        if scheme := named_scheme(table_of(text)):
            return replace(scheme, title="the names in its header"), ()
    for folder in (path.parent, path.parent.parent):
        if (folder / DATASET).is_file() and (scheme := named_scheme(_table_in(folder / DATASET))):
            unknown = scheme.unknown(labels)
            if not unknown:
                return replace(scheme, title=f"the names in {DATASET}"), ()
            return None, (f"{path}: {DATASET} beside it does not name label {unknown[0]} and was not used.",)
    return None, ()


def _table_in(path: Path) -> dict[int, str]:
    try:
        return table_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return {}
