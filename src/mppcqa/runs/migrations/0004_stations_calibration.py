"""The day until which a station was said to be calibrated becomes a calibration of an instrument:
of the station as a whole."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.utils import timezone

NOTE = "Carried over: when it was calibrated was not kept."


def carry_over(apps: Any, _editor: Any) -> None:
    """An instrument, its place and its calibration for each station that had such a day."""
    station, instrument, placement, calibration = (
        apps.get_model("runs", name)
        for name in ("Station", "Instrument", "Placement", "Calibration")
    )
    today = timezone.now().date()
    for row in station.objects.exclude(calibrated_until=None):
        until = row.calibrated_until
        made = instrument.objects.create(
            name=row.name,
            kind="station",
            institute_id=row.institute_id,
            station=row,
            calibrated_until=until,
        )
        done_on = min(today, until)
        placement.objects.create(instrument=made, station=row, since=done_on)
        calibration.objects.create(
            instrument=made, done_on=done_on, done_by="", valid_until=until, note=NOTE
        )


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_instruments")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
