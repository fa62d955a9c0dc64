"""What to export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

MODEL_FORMATS = ("stl", "vtp")


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    Attributes:
        result: a folder that `register` wrote.
        ct: folder of the CT series that was registered.
        mr: folder of the MR series that was registered.
        vertebrae: the CT labels that were registered; needed for models.
        models: "stl", "vtp" or None.
        grid_spacing_mm: spacing of thinner deformation grids; None stores every vector.

    Raises:
        InputError: models without labels, an unknown format, or a spacing that is not positive.
    """

    result: Path
    ct: Path
    mr: Path
    vertebrae: Path | None = None
    models: str | None = None
    grid_spacing_mm: float | None = None

    def __post_init__(self) -> None:
        if self.models is not None and self.models not in MODEL_FORMATS:
            raise InputError(f"models '{self.models}': unknown; choose one of {', '.join(MODEL_FORMATS)}.")
        if self.models is not None and self.vertebrae is None:
            raise InputError(
                "Models are made from the CT's vertebra labels; add --vertebrae with the labels that "
                "were registered."
            )
        if self.grid_spacing_mm is not None and not self.grid_spacing_mm > 0:
            raise InputError(f"grid spacing {self.grid_spacing_mm}: give a number of mm above 0.")
