"""The fast writer: every value once and exactly, in any batch, or none at all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.db import DataError, IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.database.number_rows import OnConflict, insert_rows
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.columns import ValueColumns, value_faults
from mppcqa.results.ingest import AnalysisFault, NewAnalysis, store_analyses
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.results.reading import read_values
from mppcqa.results.upkeep import compact_measurements
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, get_stage

pytestmark = pytest.mark.django_db
KEY = ["analysis_id", "device_id", "quantity_id", "channel", "condition_id"]


def random_columns(rng: np.random.Generator, n: int, devices: int = 50) -> MeasurementColumns:
    """Rows with different keys and values of every size, a third without uncertainty."""
    keys = rng.choice(devices * 2 * 16 * 20, n, replace=False)
    uncertainty = np.abs(rng.normal(size=n)) * 10.0 ** rng.integers(-300, 300, n)
    uncertainty[rng.random(n) < 1 / 3] = np.nan
    return MeasurementColumns(
        device=(keys % devices + 1).astype("i4"),
        analysis=np.full(n, 77, "i4"),
        quantity=(keys // devices % 2 + 1).astype("i2"),
        channel=(keys // devices // 2 % 16 - 1).astype("i2"),
        condition=(keys // devices // 32 + 1).astype("i4"),
        value=rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n),
        statistical=uncertainty,
        systematic=np.abs(rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n)).astype("f4"),
    )


@pytest.mark.parametrize("n", [0, 1, 300, 9000])
def test_values_come_back_bit_for_bit(n: int) -> None:
    columns = random_columns(np.random.default_rng(n), n)
    written = write_measurements(columns)
    found = read_values(range(1, 51), analyses=[77])
    assert len(found) == n
    for name in (
        "device",
        "quantity",
        "channel",
        "condition",
        "value",
        "statistical",
        "systematic",
    ):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name), strict=True)


@given(st.lists(st.tuples(*[st.integers(-1, 3)] * 5)), st.booleans())
def test_rows_are_sorted_by_their_keys(keys: list[tuple[int, ...]], beforehand: bool) -> None:
    rows = sorted(keys) if beforehand else keys
    analysis, device, quantity, channel, condition = np.array(rows, "i4").reshape(-1, 5).T
    value = np.arange(len(rows), dtype=float)
    found = MeasurementColumns(
        device, analysis, quantity, channel, condition, value, value, value.astype("f4")
    ).in_key_order()
    columns = (found.analysis, found.device, found.quantity, found.channel, found.condition)
    assert list(zip(*(one.tolist() for one in columns), strict=True)) == sorted(keys)
    assert [rows[int(one)] for one in found.value] == sorted(keys)


@pytest.mark.parametrize("n", [10, 9000])
def test_a_key_that_is_there_stops_everything(n: int) -> None:
    columns = random_columns(np.random.default_rng(1), n)
    write_measurements(columns.take(np.array([n - 1])))
    with pytest.raises(IntegrityError), transaction.atomic():
        write_measurements(columns)
    assert Measurement.objects.count() == 1
    with pytest.raises(IntegrityError, match="two values"), transaction.atomic():
        write_measurements(MeasurementColumns.join([columns, columns]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_value_is_refused(value: float) -> None:
    columns = random_columns(np.random.default_rng(2), 5)
    columns.value[3] = value
    with pytest.raises(ValueError, match="not finite"):
        write_measurements(columns)


def values_of(devices: list[int], value: float = 0.2) -> ValueColumns:
    """A PDE of two channels for each device."""
    n = 2 * len(devices)
    return ValueColumns(
        device=np.repeat(devices, 2).astype("i4"),
        quantities=("pde", "gain_adc"),
        quantity=np.tile([0, 1], len(devices)),
        conditions=(Condition(bias_v=71.0, overvoltage_v=1.0),),
        condition=np.zeros(n, "i4"),
        channel=np.zeros(n, "i2"),
        value=np.full(n, value),
        statistical=np.full(n, np.inf),
    )


def new_file(name: str) -> RunFile:
    row = RunFile(sha256=name.rjust(64, "0"), size=1, original_name=name)
    row.file.save(name, ContentFile(b"x"), save=True)
    return row


def test_many_analyses_in_one_transaction(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    ids = [device.pk for device in campaign.devices]
    batch = [
        NewAnalysis(
            stage=stage, run_file=new_file(f"f{n}"), values=values_of(ids[n : n + 2], n / 10)
        )
        for n in (1, 2)
    ]
    first, second = store_analyses(batch)
    standing = dict(Standing.objects.values_list("device", "analysis"))
    # The device that both have is of the later one.
    assert [standing[pk] for pk in ids[1:]] == [first.pk, second.pk, second.pk]
    assert Measurement.objects.filter(analysis=second.pk, device=ids[3]).count() == 2
    unknown = Measurement.objects.filter(analysis=second.pk).values_list("statistical", flat=True)
    assert set(unknown) == {None}


def test_one_fault_refuses_all_and_every_fault_is_told(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    ids = [device.pk for device in campaign.devices]
    broken = values_of(ids, 0.2)
    broken.value[[0, 6]] = 3.0
    broken.value[5] = np.nan
    assert [row for row, _text in value_faults(stage, broken)] == [0, 5, 6]
    before = Analysis.objects.count()
    batch = [
        NewAnalysis(stage=stage, run_file=new_file("good"), values=values_of(ids)),
        NewAnalysis(stage=stage, run_file=new_file("bad"), values=broken),
    ]
    with pytest.raises(AnalysisFault):
        store_analyses(batch)
    assert Analysis.objects.count() == before


@given(st.lists(st.floats(), min_size=1, max_size=20), st.lists(st.floats(), min_size=20))
def test_any_floats_are_faults_or_values(values: list[float], errors: list[float]) -> None:
    """Whatever an analysis makes up: what has no fault can be written."""
    stage = get_stage("darkbox")
    n = len(values)
    columns = ValueColumns(
        device=np.ones(n, "i4"),
        quantities=("gain_adc",),
        quantity=np.zeros(n, "i4"),
        conditions=(Condition(),),
        condition=np.zeros(n, "i4"),
        channel=np.arange(n),
        value=np.array(values),
        statistical=np.array(errors[:n]),
        systematic=np.array(errors[-n:]),
    )
    faults = {row for row, _text in value_faults(stage, columns)}
    for row, value in enumerate(values):
        assert (row in faults) or np.isfinite(value)


def test_the_table_lies_in_the_order_of_its_key_and_has_no_index() -> None:
    table = Measurement._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # Without row numbers: else every key would be kept twice.
            cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = %s", [table])
            (definition,) = (row[0] for row in cursor.fetchall())
            assert definition.endswith("WITHOUT ROWID")
            assert f"PRIMARY KEY ({', '.join(map(connection.ops.quote_name, KEY))})" in definition
        else:
            cursor.execute(f"SHOW INDEX FROM {table}")
            rows = cursor.fetchall()
            assert {row[2] for row in rows} == {"PRIMARY"}
            assert [row[4] for row in rows] == KEY


@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite's integers have no size")
@pytest.mark.parametrize("n", [10, 9000])
@pytest.mark.parametrize("on_conflict", ["fail", "replace"])
def test_a_number_that_does_not_fit_is_refused_not_cut(n: int, on_conflict: OnConflict) -> None:
    columns = {
        "device_id": np.arange(n) + 1,
        "analysis_id": np.ones(n, "i8"),
        "quantity_id": np.full(n, 2),
        "channel": np.where(np.arange(n) == 3, 1 << 15, 0),
        "condition_id": np.ones(n, "i8"),
        "value": np.ones(n),
        "statistical": np.ones(n),
        "systematic": np.zeros(n),
    }
    with pytest.raises(DataError), transaction.atomic():
        insert_rows(Measurement._meta.db_table, columns, keys=KEY, on_conflict=on_conflict)
    assert not Measurement.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer: nothing to lock")
def test_changes_of_a_full_table_lock_nobody_out() -> None:
    """What migrations of the big table may do: MariaDB refuses an algorithm that it would break."""
    table = Measurement._meta.db_table
    write_measurements(random_columns(np.random.default_rng(4), 9000))
    try:
        with connection.cursor() as cursor:
            for change, how in (
                ("ADD COLUMN flag smallint NULL", "ALGORITHM=INSTANT"),
                ("DROP COLUMN flag", "ALGORITHM=INSTANT"),
                ("ALTER COLUMN channel SET DEFAULT 0", "ALGORITHM=INSTANT"),
                ("ALTER COLUMN channel DROP DEFAULT", "ALGORITHM=INSTANT"),
                ("ADD INDEX bench_value (value)", "ALGORITHM=INPLACE, LOCK=NONE"),
                ("DROP INDEX bench_value", "ALGORITHM=INPLACE, LOCK=NONE"),
            ):
                cursor.execute(f"ALTER TABLE {table} {change}, {how}")
        assert compact_measurements(always=True)
        assert len(read_values(range(1, 51), analyses=[77])) == 9000
    finally:
        Measurement.objects.all().delete()


def test_a_table_that_is_small_or_tight_is_not_rebuilt() -> None:
    write_measurements(random_columns(np.random.default_rng(5), 300))
    assert not compact_measurements()
