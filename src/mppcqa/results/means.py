"""Means over a device's channels, made by the database: a page that wants no more reads no more."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from mppcqa.results.models import Measurement
from mppcqa.results.reading import READ_DEVICES


@dataclass(frozen=True)
class ChannelSums:
    """Sums over the channels of a device, of what one analysis says at one condition.

    All ids are those of the database; values are in the quantity's stored unit.
    """

    device: int
    analysis: int
    quantity: int
    condition: int
    n: int
    value: float
    statistical: float
    """Of the squares of the statistical uncertainties; NaN where one is unknown."""
    systematic: float
    """Of the squares of the systematic ones."""


def channel_sums(
    devices: Sequence[int], analyses: Collection[int], quantities: Collection[int]
) -> Iterator[ChannelSums]:
    """Of devices, analyses and quantities (ids); limits that were measured are left out."""
    if not analyses or not quantities:
        return
    for start in range(0, len(devices), READ_DEVICES):
        some = devices[start : start + READ_DEVICES]
        chosen = " AND ".join(
            f"m.{column} IN ({', '.join(['%s'] * len(ids))})"
            for column, ids in (
                ("device_id", some),
                ("analysis_id", analyses),
                ("quantity_id", quantities),
            )
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT m.device_id, m.analysis_id, m.quantity_id, m.condition_id, COUNT(*), "  # noqa: S608
                "SUM(m.value), SUM(m.statistical * m.statistical), COUNT(m.statistical), "
                "SUM((m.systematic + 0e0) * (m.systematic + 0e0)) "
                f"FROM {Measurement._meta.db_table} m "
                f"WHERE {chosen} AND IFNULL(m.bound, 0) = 0 "
                "GROUP BY m.device_id, m.analysis_id, m.quantity_id, m.condition_id",
                [*some, *analyses, *quantities],
            )
            rows = cursor.fetchall()
        for device, analysis, quantity, condition, n, value, statistical, known, systematic in rows:
            squares = math.nan if known < n else float(statistical)
            of = device, analysis, quantity, condition
            yield ChannelSums(*of, n, float(value), squares, float(systematic))
