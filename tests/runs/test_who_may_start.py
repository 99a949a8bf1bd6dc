"""Whose a run is, who may start one, and the same run once more."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute
from mppcqa.queue.models import Lane, State, Task, TaskGroup
from mppcqa.runs import belonging
from mppcqa.runs.actions import RunRefused, load_station
from mppcqa.runs.again import refuse_second, start_again, start_anyway
from mppcqa.runs.belonging import common_keys, keys_of
from mppcqa.runs.models import LoadedDevice, Run, RunSlot, Station
from mppcqa.runs.procedures import Procedure, Training
from mppcqa.runs.seats import MEASURE
from mppcqa.runs.training import (
    LATEST,
    ProcedureRefused,
    in_use,
    is_trained,
    real_minutes,
    refuse_untrained,
    train,
    withdraw_training,
    write_version,
)
from mppcqa.stages import get_stage

TODAY = timezone.now().date()
DAY = dt.timedelta(days=1)
PAIRS = st.tuples(*(st.one_of(st.none(), st.integers(1, 3)) for _one in range(2)))


@given(st.lists(PAIRS, max_size=6))
def test_a_run_is_of_a_campaign_and_an_owner_where_all_of_its_devices_are(
    pairs: list[tuple[int | None, int | None]],
) -> None:
    found = common_keys(pairs)
    for name, place in (("campaign_id", 0), ("owner_id", 1)):
        said = {one[place] for one in pairs}
        assert found[name] == (next(iter(said)) if len(said) == 1 else None)


def test_keys_are_those_of_the_devices_however_many_are_asked_at_once(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [one.pk for one in campaign.devices]
    first = Campaign.objects.order_by("pk")[0]
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    Device.objects.filter(pk__in=ids).update(campaign=first, owner=ours)
    monkeypatch.setattr(belonging, "BATCH", 1)
    assert keys_of(ids) == {"campaign_id": first.pk, "owner_id": ours.pk}
    Device.objects.filter(pk=ids[3]).update(owner=theirs)
    assert keys_of(ids) == {"campaign_id": first.pk, "owner_id": None}
    assert keys_of(ids[:3]) == {"campaign_id": first.pk, "owner_id": ours.pk}
    assert keys_of([]) == {"campaign_id": None, "owner_id": None}


@pytest.mark.parametrize(
    ("done", "until", "counts"),
    [(0, None, True), (-1, 0, True), (-9, -1, False), (-9, 3, True)],
)
def test_a_training_counts_from_its_day_to_its_last(
    operator: User, done: int, until: int | None, counts: bool
) -> None:
    procedure = write_version("pde", {"en": "Do this."})
    last = None if until is None else TODAY + until * DAY
    made = train(operator, procedure, TODAY + done * DAY, last)
    assert is_trained(operator, "pde") is counts
    assert not is_trained(operator, "darkbox")
    assert made.counts_on(TODAY + done * DAY)
    assert not made.counts_on(TODAY + (done - 1) * DAY)
    withdraw_training(made, "it was another")
    made.refresh_from_db()
    assert not is_trained(operator, "pde")
    assert not made.counts_on(TODAY)
    with pytest.raises(ProcedureRefused, match="withdrawn already"):
        withdraw_training(made, "again")


def test_a_training_of_an_older_version_counts(operator: User) -> None:
    first = write_version("pde", {"en": "Do this."})
    train(operator, first, TODAY)
    second = write_version("pde", {"es": "Haga esto."}, estimate_min=20, note="faster", by=operator)
    assert (first.version, second.version, second.made_by) == (1, 2, operator)
    assert in_use("pde") == second
    assert in_use("darkbox") is None
    assert is_trained(operator, "pde")


def test_what_makes_no_sense_is_refused_at_its_field(operator: User) -> None:
    procedure = write_version("pde", {"en": "Do this."})
    with pytest.raises(ProcedureRefused, match="yet to come") as refused:
        train(operator, procedure, TODAY + DAY)
    assert refused.value.faults[0].field == "done_on"
    with pytest.raises(ProcedureRefused, match="ends before it was made") as refused:
        train(operator, procedure, TODAY, TODAY - DAY)
    assert refused.value.faults[0].field == "valid_until"
    assert train(operator, procedure, TODAY, TODAY).counts_on(TODAY)
    with pytest.raises(ProcedureRefused, match="in one language at least"):
        write_version("pde", {"en": "  ", "es": ""})
    with pytest.raises(ProcedureRefused, match="Say why"):
        withdraw_training(Training.objects.get(), " ")
    assert Procedure.objects.count() == 1


def test_instructions_are_read_in_the_readers_language_or_in_the_other() -> None:
    both = Procedure(text_en="Do this.", text_es="Haga esto.")
    english, spanish = Procedure(text_en="Do this."), Procedure(text_es="Haga esto.")
    for language, text in (("en", "Do this."), ("es", "Haga esto."), ("es-cl", "Haga esto.")):
        with override(language):
            assert both.text == text
            assert english.text == "Do this."
            assert spanish.text == "Haga esto."


def test_only_trained_people_start_where_a_campaign_of_the_devices_says_so(
    operator: User, campaign: SimpleNamespace
) -> None:
    strict = Campaign.objects.create(name="Upgrade", conditions={"pde": {"trained": True}})
    easy = Campaign.objects.create(name="Toys")
    refuse_untrained("pde", [easy.pk, None], operator)
    refuse_untrained("darkbox", [strict.pk], operator)
    refuse_untrained("pde", [strict.pk], None)
    with pytest.raises(ProcedureRefused, match="campaign Upgrade lets trained people alone do PDE"):
        refuse_untrained("pde", [easy.pk, strict.pk], operator)
    train(operator, write_version("pde", {"en": "Do this."}), TODAY)
    refuse_untrained("pde", [easy.pk, strict.pk], operator)


def test_the_real_time_is_the_median_of_measurements_that_succeeded(
    campaign: SimpleNamespace,
) -> None:
    assert real_minutes("pde") is None
    lane, _new = Lane.objects.get_or_create(name="work")

    def ran(stage: str, *tasks: tuple[str, State, float | None]) -> None:
        group = TaskGroup.objects.create(title="run")
        Run.objects.create(stage=stage, parameters={}, task_group=group)
        for name, state, seconds in tasks:
            Task.objects.create(name=name, lane=lane, group=group, state=state, run_s=seconds)

    good = State.SUCCEEDED
    ran("pde", (MEASURE, good, 600.0), ("results.analyse", good, 9000.0))
    ran("pde", (MEASURE, good, 1200.0), (MEASURE, State.FAILED, 5.0))
    ran("pde", (MEASURE, good, 6000.0), (MEASURE, good, None))
    ran("darkbox", (MEASURE, good, 60.0))
    assert real_minutes("pde") == (20.0, 3)
    assert real_minutes("darkbox") == (1.0, 1)
    for _one in range(LATEST):
        ran("pde", (MEASURE, good, 300.0))
    assert real_minutes("pde") == (5.0, LATEST), "the latest ones alone"


@pytest.fixture
def former(campaign: SimpleNamespace) -> Run:
    """A run of two devices at the station, which is empty now."""
    stage = get_stage("pde")
    run = Run.objects.create(stage="pde", station=campaign.stations[0], parameters=stage.clean({}))
    for slot, device in ((2, campaign.devices[0]), (4, campaign.devices[1])):
        RunSlot.objects.create(run=run, slot=slot, device=device)
    return run


def test_the_same_run_again_loads_its_devices_into_their_slots(
    former: Run, campaign: SimpleNamespace, operator: User
) -> None:
    load_station(campaign.stations[0], {4: "GX-001"}, by=operator)
    made = start_again(former, by=operator)
    assert made.pk != former.pk
    assert dict(made.slots.values_list("slot", "device__serial")) == {2: "GX-000", 4: "GX-001"}
    assert (made.parameters, made.operator) == (former.parameters, operator)
    assert dict(LoadedDevice.objects.values_list("slot", "device__serial")) == {
        2: "GX-000", 4: "GX-001"
    }  # fmt: skip
    with pytest.raises(RunRefused, match="pde-1 is measuring already, or is about to"):
        start_again(former, by=operator)
    with pytest.raises(RunRefused):
        refuse_second(campaign.stations[0])
    refuse_second(campaign.stations[1])


def test_others_in_the_station_are_named_and_nothing_is_done(
    former: Run, campaign: SimpleNamespace, operator: User
) -> None:
    load_station(campaign.stations[0], {1: "GX-003", 2: "GX-002"}, by=operator)
    with pytest.raises(RunRefused, match=r"in pde-1 sit others than in .* \(GX-003, GX-002\)"):
        start_again(former, by=operator)
    assert Run.objects.latest("pk") == former
    assert LoadedDevice.objects.count() == 2


def test_a_device_in_another_slot_is_another(
    former: Run, campaign: SimpleNamespace, operator: User
) -> None:
    load_station(campaign.stations[0], {1: "GX-000"}, by=operator)
    with pytest.raises(RunRefused, match=r"\(GX-000\): take them out first"):
        start_again(former, by=operator)


def test_what_was_measured_elsewhere_is_not_measured_again_here(campaign: SimpleNamespace) -> None:
    with pytest.raises(RunRefused, match="was measured elsewhere"):
        start_again(Run.objects.create(stage="pde", parameters={}))


@pytest.mark.parametrize("rule", list(Station.BadContact.values))
def test_bad_contact_is_passed_over_unless_the_station_never_does(
    former: Run, campaign: SimpleNamespace, operator: User, rule: str
) -> None:
    Station.objects.filter(pk=former.station_id).update(bad_contact=rule)
    run = Run.objects.get(pk=former.pk)
    if rule == Station.BadContact.BLOCK:
        with pytest.raises(RunRefused, match="seat it anew, then start again"):
            start_anyway(run, by=operator)
        assert not LoadedDevice.objects.exists()
    else:
        assert start_anyway(run, by=operator).bad_contact == Station.BadContact.TELL
