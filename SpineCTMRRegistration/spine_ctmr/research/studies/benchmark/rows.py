"""One method on one patient, as the benchmark's tables see it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..kernel import FAILURE, Row
from .child import Cost
from .measures import TransformMeasures


@dataclass(frozen=True)
class BenchmarkRow:
    """One registration of the benchmark.

    Attributes:
        method, patient, series, kind: names.
        vertebrae: how many were registered.
        voxels: of the common grid.
        began: date and time, UTC.
        load: processes that wanted a core of the machine when it began, where the system tells.
        threads: that the method was given.
        version: of the method's package.
        failure: why there is no result, in words.
        cost, measures: None after a failure.
    """

    method: str
    patient: str
    series: str
    kind: str
    vertebrae: int
    voxels: int
    began: str
    load: float | None
    threads: int
    version: str | None
    failure: str | None
    cost: Cost | None
    measures: TransformMeasures | None

    @staticmethod
    def of(row: Row) -> BenchmarkRow:
        """What a kept row of the benchmark says."""
        values = {FAILURE: None, **row.values}
        cost, measures = values.pop("cost"), values.pop("measures")
        if measures and measures["bone_points"] is not None:
            measures = {**measures, "bone_points": tuple(measures["bone_points"])}
        return BenchmarkRow(
            method=row.method,
            patient=row.patient,
            kind=row.kind,
            began=row.began,
            load=row.load,
            cost=cost and Cost(**cost),
            measures=measures and TransformMeasures(**measures),
            **values,
        )

    def flat(self) -> dict[str, Any]:
        """Plain values by name, without the single points."""
        values = {k: v for k, v in vars(self).items() if k not in ("cost", "measures")}
        for part in (self.cost, self.measures):
            values |= asdict(part) if part else {}
        values.pop("bone_points", None)
        return values
