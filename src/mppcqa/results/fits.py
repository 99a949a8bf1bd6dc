"""What each fit of an analysis said of itself, in one compact row an analysis and device."""

from __future__ import annotations

import json
import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mppcqa.results.models import Analysis, FitRecords
from mppcqa.stages import Condition, Fit

LEVEL = 9
MOST_BYTES = 64 << 20
"""Of the records of one device, unpacked."""


@dataclass(frozen=True)
class FitRecord:
    """One fit of a channel at a condition."""

    channel: int
    at: Condition
    chi2: float | None = None
    ndf: int | None = None
    p_value: float | None = None
    events: float | None = None
    left_out: float | None = None
    free: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    second_ways: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    fault: str = ""

    @property
    def chi2_ndf(self) -> float | None:
        """Chi-squared a degree of freedom."""
        return self.chi2 / self.ndf if self.chi2 is not None and self.ndf else None


def as_json(fits: Iterable[Fit]) -> list[dict[str, Any]]:
    """Plain JSON of fits, without what is empty; NaN is nothing."""
    found = []
    for one in fits:
        row: dict[str, Any] = {
            **asdict(one),
            "at": one.condition.text,
            "free": list(one.free),
            "seen": list(one.seen),
            "second_ways": {
                name: [_number(number) for number in numbers]
                for name, numbers in one.second_ways.items()
            },
        }
        del row["slot"], row["condition"]
        row |= {key: _number(value) for key, value in row.items() if isinstance(value, float)}
        found.append({key: value for key, value in row.items() if value not in (None, "", [], {})})
    return found


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def new_records(analysis: Analysis, device: int, rows: Sequence[Mapping[str, Any]]) -> FitRecords:
    """A row of records, not stored yet."""
    p_values = [one["p_value"] for one in rows if one.get("p_value") is not None]
    worst = [one["chi2"] / one["ndf"] for one in rows if one.get("ndf") and "chi2" in one]
    return FitRecords(
        analysis=analysis,
        device_id=device,
        fits=len(rows),
        withheld=sum(1 for one in rows if one.get("fault")),
        lowest_p=min(p_values, default=None),
        highest_chi2_ndf=max(worst, default=None),
        packed=zlib.compress(json.dumps(list(rows), separators=(",", ":")).encode(), LEVEL),
    )


def save_fits(analysis: Analysis, fits: Sequence[Fit], devices: Mapping[int, int]) -> None:
    """Store the records of an analysis; `devices` is device id by slot."""
    by_device: dict[int, list[Fit]] = defaultdict(list)
    for one in fits:
        if one.slot in devices:
            by_device[devices[one.slot]].append(one)
    FitRecords.objects.bulk_create(
        new_records(analysis, device, as_json(mine)) for device, mine in sorted(by_device.items())
    )


def unpacked(row: FitRecords) -> list[dict[str, Any]]:
    """The records of a row as plain JSON."""
    opened = zlib.decompressobj()
    text = opened.decompress(bytes(row.packed), MOST_BYTES)
    if opened.unconsumed_tail:
        raise ValueError(f"the records of fits of {row} are too long")
    found: list[dict[str, Any]] = json.loads(text)
    return found


def records_of(row: FitRecords) -> list[FitRecord]:
    """The records of a row, as they were stored."""
    return [
        FitRecord(
            **{
                **{key: value for key, value in one.items() if key in KNOWN},
                "at": Condition.of_text(one.get("at", "")),
                "free": tuple(one.get("free", ())),
                "seen": tuple(one.get("seen", ())),
                "second_ways": {k: tuple(v) for k, v in one.get("second_ways", {}).items()},
            }
        )
        for one in unpacked(row)
    ]


KNOWN = frozenset(FitRecord.__dataclass_fields__)
"""Fields that this program knows; a later one may write more."""
