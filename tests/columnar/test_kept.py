"""What a process keeps between questions is true, and is read again as soon as it is not."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from mppcqa.audit.chain import seal
from mppcqa.columnar import files, keeping
from mppcqa.columnar import snapshot as module
from mppcqa.columnar.answers import largest
from mppcqa.columnar.grouped import Columns, always_the_same, grouped, line_of
from mppcqa.columnar.questions import Chosen, Measure, Questions
from mppcqa.columnar.slices import Kept
from mppcqa.columnar.snapshot import Snapshot, new_duck, snapshot
from mppcqa.inventory.models import Device, DeviceType, Lot, Maker, Tag
from mppcqa.limits.judging import active_limits, judge_again
from mppcqa.limits.models import Limit, LimitSet, Verdict
from mppcqa.results.counting import make_count
from mppcqa.results.models import Analysis, QuantityRow
from mppcqa.stages import get_stage
from tests.campaign import measured_run
from tests.workers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_copy(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 1e-9  # each question asks whether it still holds


def judged_otherwise(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    limits = active_limits(stage)
    Limit.objects.filter(limit_set=limits).update(pass_low=-1e9, pass_high=-1e8)
    Limit.objects.filter(limit_set=limits).update(warn_low=None, warn_high=None)
    another = LimitSet.objects.create(stage="pde", version=limits.version + 1, active=False)
    Verdict.objects.update(limit_set=another)  # so that the devices are judged anew
    judge_again(stage, limits, [one.pk for one in campaign.devices])


def by_raw_sql(campaign: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_device SET lot_id = NULL")


def counted_again(campaign: SimpleNamespace) -> None:
    make_count(Analysis.objects.order_by("pk").first())


CHANGES: dict[str, Callable[[SimpleNamespace], Any]] = {
    "a lot": lambda c: Device.objects.filter(pk=c.devices[0].pk).update(
        lot=Lot.objects.create(name="L9")
    ),
    "a tag": lambda c: c.devices[0].tags.add(Tag.objects.create(name="odd")),
    "a maker": lambda c: DeviceType.objects.update(maker=Maker.objects.create(name="Other")),
    "verdicts": judged_otherwise,
    "raw SQL": by_raw_sql,
    "a run": lambda c: measured_run(c.stations[0], c.devices[:2], c.operator),
    "a station": lambda c: c.runs.update(station=None),
    "what counts": counted_again,
}


@pytest.mark.usefixtures("own_copy")
@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_in_the_next_answer_and_none_is_read_twice(
    campaign: SimpleNamespace, operator: User, change: str
) -> None:
    from mppcqa.runs.models import Run

    campaign.operator, campaign.runs = operator, Run.objects.all()
    if change == "what counts":
        measured_run(campaign.stations[0], campaign.devices[:2], operator)
    keeping.follow()
    before = snapshot()
    assert snapshot() is before
    seal()  # the changes until now leave the table in which they wait
    assert snapshot() is before
    CHANGES[change](campaign)
    after = snapshot()
    assert after is not before
    assert rows(before) != rows(after)
    seal()
    assert snapshot() is after


def rows(held: Any) -> tuple[list[Any], list[Any]]:
    mine = "SELECT * EXCLUDE (number) FROM mine ORDER BY ALL"
    return held.cursor().execute(mine).fetchall(), held.cursor().execute(
        "SELECT * FROM tags ORDER BY ALL"
    ).fetchall()


@pytest.mark.usefixtures("own_copy")
def test_another_copy_is_seen(campaign: SimpleNamespace) -> None:
    first = snapshot()
    assert first.fresh
    keeping.follow()
    assert snapshot().fresh == 0


def aged(settings: Any, seconds: float) -> Snapshot:
    """The campaign as it is, that nobody looked at for so long; 300 s are no reason to."""
    found = snapshot()
    settings.MPPCQA_COLUMNAR_KEEP_S = 300.0
    found.looked_at -= seconds
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_copy")
def test_who_asks_all_the_time_waits_for_no_looking(
    campaign: SimpleNamespace, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread looks meanwhile; what it finds is in the next answers. A pause ends the trust."""
    first = aged(settings, 400.0)
    holds, looks = Event(), Event()
    real = Snapshot.holds

    def slowly(held: Snapshot) -> bool:
        looks.set()
        assert holds.wait(60)
        return real(held)

    monkeypatch.setattr(Snapshot, "holds", slowly)
    CHANGES["raw SQL"](campaign)
    assert snapshot() is first
    assert looks.wait(60)
    assert snapshot() is first, "while it looks"
    holds.set()
    wait_until(lambda: snapshot() is not first, what="what was found is told")
    second = snapshot()
    assert rows(second) != rows(first)
    assert rows(second)[0]
    CHANGES["a tag"](campaign)
    second.looked_at -= 700.0
    third = snapshot()
    assert rows(third)[1] != rows(second)[1], "who comes after a pause looks for himself"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_copy")
def test_after_a_minute_all_is_read_anew_and_nobody_waits(
    campaign: SimpleNamespace, settings: Any
) -> None:
    first = aged(settings, 700.0)
    first.made_at -= 70.0
    assert snapshot() is first, "nothing changed, as far as the database tells"
    wait_until(lambda: snapshot() is not first, what="it is read anew")
    assert rows(snapshot()) == rows(first)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_copy")
def test_what_fails_meanwhile_fails_who_asks_next(
    campaign: SimpleNamespace, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = aged(settings, 400.0)

    def broken(held: Snapshot) -> bool:
        raise OperationalError("the database went away")

    monkeypatch.setattr(Snapshot, "holds", broken)
    assert snapshot() is first
    looks = module._known.looks
    assert looks is not None
    looks.join(60)
    assert snapshot() is first, "it may be back by then"
    module._known.looks.join(60)
    first.looked_at -= 700.0
    with pytest.raises(OperationalError, match="went away"):
        snapshot()


@pytest.mark.usefixtures("own_copy")
def test_where_the_database_tells_nothing_all_is_read_again(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.columnar.snapshot.changes_are_told", lambda: False)
    monkeypatch.setattr("mppcqa.columnar.snapshot._known.process", 0)
    assert snapshot() is not snapshot()


@pytest.mark.usefixtures("own_copy")
def test_little_memory_gives_the_same_answers(campaign: SimpleNamespace, settings: Any) -> None:
    keeping.follow()
    row = QuantityRow.objects.get(stage="pde", key="gain_adc")
    everything = Measure(row.pk, (), "pde")
    mine = Chosen(ids={"device": (campaign.devices[1].pk,)})

    def answers() -> list[Any]:
        asked = Questions(chosen=mine)
        return [
            asked.summary(everything, "point"),
            asked.histogram(everything, "channel"),
            asked.pairs(everything, everything),
            asked.listed(everything),
        ]

    held = snapshot()
    often = answers()
    assert held.kept._size > 0
    assert often == answers()
    held.kept.most = 1
    held.kept.drop_others(set())
    assert answers() == often
    assert answers() == often
    assert held.kept._size == 0


def test_slices_are_kept_within_their_bound(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path
    duck = new_duck()
    path = str(files.folder() / "q.parquet")
    duck.sql(
        "SELECT 1::SMALLINT AS quantity, (i // 100)::BIGINT AS point, "
        "(i % 100)::INTEGER AS device, 0::SMALLINT AS channel, 7::INTEGER AS condition, "
        "1::INTEGER AS analysis, i::DOUBLE AS value, 0::TINYINT AS bound FROM range(400) t(i)"
    ).write_parquet(path)
    kept = Kept(3000)
    for point in (0, 1, 2, 3, 0):
        (found,) = kept.of(duck.cursor, path, 1, [point])
        assert found.value.tolist() == [100.0 * point + i for i in range(100)]
        assert found.condition.tolist() == [7] * 100
        assert kept._size <= 3000
    assert [one.point for one in kept.of(duck.cursor, path, 1, [2, 0, 2])] == [2, 0]
    assert [one.point for one in kept.of(duck.cursor, path, 1)] == [0, 1, 2, 3]
    assert kept.of(duck.cursor, path, 1, [9]) == []
    assert kept.of(duck.cursor, path, 2) == []
    kept.drop_others(set())
    assert kept._size == 0


def test_rows_that_come_in_any_order_are_all_there(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path
    path = str(files.folder() / "q.parquet")
    duck = new_duck()
    duck.sql(
        "SELECT 1::SMALLINT AS quantity, (i % 5)::BIGINT AS point, (i // 7)::INTEGER AS device, "
        "(i % 7)::SMALLINT AS channel, 7::INTEGER AS condition, (i // 14)::INTEGER AS analysis, "
        "i::DOUBLE AS value, 0::TINYINT AS bound FROM range(70000) t(i) ORDER BY hash(i)"
    ).write_parquet(path)
    found = Kept(1 << 30).of(duck.cursor, path, 1)
    assert [one.point for one in found] == [0, 1, 2, 3, 4]
    for one in found:
        assert one.value.tolist() == list(range(one.point, 70_000, 5))
        assert (one.device[one.of] == one.value // 7).all()
        assert (one.analysis[one.of] == one.value // 14).all()
        assert (one.channel == one.value % 7).all()


@pytest.mark.parametrize("groups", [1, 3, 40_000])
def test_numbers_of_groups_are_those_of_numpy(groups: int) -> None:
    rng = np.random.default_rng(groups)
    values = rng.normal(size=50_000)
    codes = rng.integers(0, groups, len(values))
    found = grouped(values, codes)
    for place in rng.choice(len(found.codes), min(groups, 50), replace=False).tolist():
        mine = values[codes == found.codes[place]]
        middle = np.median(mine)
        assert found.counts[place] == len(mine)
        for part in (0.0, 0.05, 0.25, 0.5, 0.95, 1.0):
            assert found.quantile(part)[place] == pytest.approx(np.quantile(mine, part), abs=1e-13)
        wanted = 1.4826 * np.median(np.abs(mine - middle))
        assert found.scatter[place] == pytest.approx(wanted, abs=1e-13)
        assert found.means[place] == pytest.approx(mine.mean(), abs=1e-13)
        if len(mine) > 1:
            assert found.sigmas[place] == pytest.approx(mine.std(ddof=1), abs=1e-13)
    few = grouped(values, codes, 2)
    assert sorted(few.counts.tolist())[::-1] == sorted(found.counts.tolist())[::-1][:2]


def test_pairs_meet_by_device_and_channel() -> None:
    one, origin = Columns.of(np.array([2, 1, 1]), np.array([0, 3, 3]), np.array([5.0, 1.0, 3.0]))
    assert origin is not None
    assert one.value.tolist() == [2.0, 5.0]
    two, none = Columns.of(np.array([0, 1, 2]), np.array([-1, 3, 1]), np.array([1.0, 7.0, 9.0]))
    assert none is None
    mine, others = one.common(two)
    assert (one.value[mine].tolist(), two.value[others].tolist()) == ([2.0], [7.0])
    keys = np.arange(100_000) << 16
    drawn = always_the_same(keys, 4000)
    assert len(set(drawn.tolist())) == 4000
    assert abs(np.mean(drawn) - 50_000) < 1500
    shuffled = np.random.default_rng(1).permutation(keys)
    assert set(shuffled[always_the_same(shuffled, 4000)]) == set(keys[drawn])
    x = np.random.default_rng(2).normal(size=(2, 1000))
    line = line_of(x[0], x[0] + x[1])
    assert line.pearson == pytest.approx(np.corrcoef(x[0], x[0] + x[1])[0, 1])
    assert (line.slope, line.offset) == pytest.approx(np.polyfit(x[0], x[0] + x[1], 1).tolist())


def test_bars_of_many_groups_are_those_of_numpy_in_little_memory() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=300_000)
    codes = np.minimum(rng.integers(0, 100_000, len(values)), rng.integers(0, 100_000, len(values)))
    edges = np.linspace(-2, 2, 61).tolist()
    parts = np.split(values, [100_000]), np.split(codes.astype(np.int32), [100_000])
    tracemalloc.start()
    found = largest(*parts, list(range(100_000)), edges, 12, last=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 << 20  # numbers of all groups in all bins are 50 MB
    inner = (values >= -2) & (values < 2)
    sizes = np.bincount(codes[inner], minlength=100_000)
    assert found.groups == np.count_nonzero(sizes)
    assert (found.below, found.above) == ((values < -2).sum(), (values >= 2).sum())
    assert list(found.counts) == sorted(range(100_000), key=lambda g: (-sizes[g], str(g)))[:12]
    for group, row in found.counts.items():
        assert row == np.histogram(values[inner & (codes == group)], edges)[0].tolist()
    few = largest([values], [codes % 20], list(range(20)), edges, 12, last=False)
    sizes = np.bincount(codes[inner] % 20)
    assert {group: sum(row) for group, row in few.counts.items()} == {
        group: sizes[group] for group in np.argsort(-sizes, kind="stable")[:12].tolist()
    }
