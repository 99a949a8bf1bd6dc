"""Summaries are what a recount gives, whatever was done; and a recount finds what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits.judging import active_limits, judge
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.results.columns import ValueColumns
from mppcqa.results.counting import make_count
from mppcqa.results.ingest import NewAnalysis, store_analyses
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, get_stage
from mppcqa.statistics.check import check_summaries
from mppcqa.statistics.models import (
    Bucket,
    DeviceSummary,
    OutcomeCount,
    QuantityCount,
    Series,
    WeekYield,
)

pytestmark = pytest.mark.django_db
DEVICES = 6


class Campaign:
    """Random work on a few devices, by the same functions that tasks call."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        kind = DeviceType.objects.create(name="K", rows=1, columns=3)
        self.devices = [
            Device.objects.create(serial=f"D{n}", device_type=kind).pk for n in range(DEVICES)
        ]
        self.analyses: list[tuple[Analysis, list[int]]] = []

    def values(self, devices: list[int]) -> ValueColumns:
        rng = self.rng
        keys = rng.choice(len(devices) * 3 * 3 * 2, rng.integers(0, 18), replace=False)
        spread = rng.choice([0.0, 1e-9, 0.01, 100.0])
        return ValueColumns(
            device=np.array(devices, "i4")[keys % len(devices)],
            quantities=("dark_rate_hz", "gain_adc", "breakdown_voltage_v"),
            quantity=keys // len(devices) % 3,
            conditions=(
                Condition(bias_v=71.6, overvoltage_v=1.6, temperature_c=20.0),
                Condition(bias_v=71.61, overvoltage_v=1.62, temperature_c=20.2),
            ),
            condition=keys // len(devices) // 9,
            channel=keys // len(devices) // 3 % 3,
            value=np.clip(np.abs(70 + spread * rng.normal(size=len(keys))), 5, 250),
            statistical=np.where(rng.random(len(keys)) < 0.2, np.nan, rng.random(len(keys))),
            systematic=rng.choice([0.0, 0.2], len(keys)),
        )

    def ingest(self) -> None:
        """One or several analyses in one transaction; devices may come twice."""
        batch = []
        for _ in range(self.rng.integers(1, 4)):
            some = self.rng.choice(self.devices, self.rng.integers(1, DEVICES), replace=False)
            devices = sorted(some.tolist())
            batch.append(
                NewAnalysis(
                    stage=get_stage("darkbox"),
                    run_file=self.file(),
                    values=self.values(devices),
                    devices=devices,
                    counts=bool(self.rng.random() < 0.8),
                )
            )
        stored = store_analyses(batch)
        self.analyses += [(one, list(new.devices)) for one, new in zip(stored, batch, strict=True)]

    def file(self) -> RunFile:
        """A new file, or one that was analysed before."""
        if self.analyses and self.rng.random() < 0.4:
            return self.analyses[self.rng.integers(len(self.analyses))][0].run_file
        name = f"{RunFile.objects.count():064d}"
        row = RunFile(sha256=name, size=1, original_name=name, file=ContentFile(b"", name="f"))
        row.file = "nowhere"
        row.save()
        return row

    def recall(self) -> None:
        """An older analysis counts again, for some of its devices."""
        if self.analyses:
            analysis, devices = self.analyses[self.rng.integers(len(self.analyses))]
            some = self.rng.choice(devices, self.rng.integers(1, len(devices) + 1), replace=False)
            make_count(analysis, some.tolist())

    def verdicts(self) -> None:
        for analysis in {one.analysis for one in Standing.objects.select_related("analysis")}:
            judge(
                analysis,
                Standing.objects.filter(analysis=analysis).values_list("device", flat=True),
            )

    def limits(self) -> None:
        old = active_limits(get_stage("darkbox"))
        old.active = False
        old.save()
        new = LimitSet.objects.create(
            stage="darkbox", version=old.version + 1, title="new", active=True
        )
        for limit in old.limits.all():
            high = float(self.rng.choice([0.0, 70.0, 200.0]))
            Limit.objects.create(limit_set=new, quantity=limit.quantity, pass_high=high)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


STEPS = st.lists(st.sampled_from(["ingest", "recall", "verdicts", "limits"]), max_size=12)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32), steps=STEPS)
# Values far from all that are left were taken away: their rounding stays in the sums.
@example(seed=67108863, steps=["ingest", "ingest", "ingest", "ingest", "recall", "ingest"])
def test_any_history_leaves_summaries_that_equal_a_recount(seed: int, steps: list[str]) -> None:
    with undone():
        campaign = Campaign(seed)
        for step in ["ingest", *steps]:
            getattr(campaign, step)()
        assert check_summaries().differences == []


@pytest.fixture
def judged() -> Campaign:
    campaign = Campaign(5)
    for step in ("ingest", "verdicts", "ingest", "limits", "verdicts"):
        getattr(campaign, step)()
    return campaign


def spoil(what: str) -> None:
    if what == "a series is gone":
        pk = Bucket.objects.filter(n__gt=0).values_list("series", flat=True)[0]
        Series.objects.filter(pk=pk).delete()
    elif what == "a sum is off":
        Series.objects.filter(n__gt=0).update(total=F("total") + 1)
    elif what == "a bucket too many":
        Bucket.objects.create(series=Series.objects.first(), bucket=10**6, n=2)
    elif what == "a device is gone":
        DeviceSummary.objects.filter(device=Device.objects.first()).delete()
    elif what == "a mean is off":
        row = DeviceSummary.objects.first()
        DeviceSummary.objects.filter(device=row.device_id).update(mean=F("mean") + 1e-3)
    elif what == "verdicts are off":
        OutcomeCount.objects.all().delete()
        WeekYield.objects.update(last_passed=99)
        QuantityCount.objects.update(n=F("n") + 1)


@pytest.mark.parametrize(
    "what",
    [
        "a series is gone",
        "a sum is off",
        "a bucket too many",
        "a device is gone",
        "a mean is off",
        "verdicts are off",
    ],
)
def test_what_is_wrong_is_found_and_repaired(judged: Campaign, what: str) -> None:
    assert check_summaries().differences == []
    spoil(what)
    assert check_summaries().differences
    assert check_summaries(repair=True).repaired
    assert check_summaries().differences == []


def test_the_command_says_so(judged: Campaign) -> None:
    from mppcqa.cli import main

    assert "recount of" in CliRunner().invoke(main, ["summaries", "check"]).output
    spoil("a sum is off")
    wrong = CliRunner().invoke(main, ["summaries", "check"])
    assert wrong.exit_code == 1
    assert "total" in wrong.output
    assert CliRunner().invoke(main, ["summaries", "check", "--repair"]).exit_code == 0
    assert CliRunner().invoke(main, ["summaries", "check"]).exit_code == 0
