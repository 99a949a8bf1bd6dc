"""The demonstration campaign as a process, and its numbers against the simulator's own truth."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from mppcqa.cli.season import make_season
from mppcqa.inventory.models import Device, Shipment
from mppcqa.limits.models import Verdict, Waiver
from mppcqa.results.models import Measurement, Outcome
from mppcqa.runs.models import Run
from mppcqa.stages.simulated import device_truth
from mppcqa.statistics.check import check_summaries
from tests.workers import child_environment


@pytest.mark.timeout(300)
def test_the_demonstration_measures_what_the_devices_are(transactional_db: None) -> None:
    """99 % of the values of every channel lie within 3 sigma of the truth."""
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "demo", "--arrays", "2"],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    devices = {device.pk: device for device in Device.objects.all()}
    for device in devices.values():
        assert device.serial in done.stdout
    assert done.stdout.count(".pdf") == 2
    for unit in ("[V]", "[ADC/p.e.]", "[%]", "[kHz]"):
        assert unit in done.stdout
    truth = {pk: device_truth(device.serial, 16) for pk, device in devices.items()}
    pulls = []
    rows = Measurement.objects.filter(channel__gte=0, statistical__gt=0)
    for row in rows.select_related("quantity", "condition"):
        bias = row.condition.at.get("bias_v", 71.0)
        temperature = row.condition.at.get("temperature_c", 20.0)
        true = truth[row.device_id][row.channel].at(bias, temperature)
        if row.quantity.key in true:
            pulls.append(
                (row.value - true[row.quantity.key]) / math.hypot(row.statistical, row.systematic)
            )
    assert len(pulls) > 1000
    assert np.mean(np.abs(pulls) < 3) >= 0.99


@pytest.mark.timeout(300)
def test_a_season_has_all_that_a_campaign_has(db: None) -> None:
    devices = make_season(weeks=4)
    assert len(devices) == 64
    assert Shipment.objects.exclude(sent_at=None).count() == 2
    assert Shipment.objects.exclude(received_at=None).count() == 1
    failed = Verdict.objects.filter(outcome=Outcome.FAIL)
    # By lots of two weeks: the one in the middle is the bad one.
    by_lot = Counter(failed.values_list("device__lot__name", flat=True))
    assert by_lot["L02"] > 3 > by_lot["L01"]
    assert {one.granted_by.username for one in Waiver.objects.all()} == {"demonstration-chief"}
    weeks = {
        moment.isocalendar().week for moment in Run.objects.values_list("measured_at", flat=True)
    }
    assert len(weeks) >= 4
    assert check_summaries().differences == []
