"""Anything that people may do with devices, in any order: never an illegal state, and every
refusal says why and what to do.

What may be is told here a second time, by the few words of a laboratory and not by the table.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import override
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mppcqa.exchange.imports import ImportRefused, apply, check, take_in
from mppcqa.exchange.models import Import
from mppcqa.inventory.models import Device, DeviceMove, Institute, Shipment, Tray
from mppcqa.inventory.moving import MoveRefused, move_by_hand
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.shipping import (
    ShipmentRefused,
    pack,
    send,
    send_packed,
    unpack,
)
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.queue.actions import kill_group
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import OPEN_STATES, Lane, State, Task
from mppcqa.queue.repeats import again
from mppcqa.queue.transitions import move as move_task
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.actions import RunRefused, SlotFaults, load_station, start_run, unload_station
from mppcqa.runs.models import LoadedDevice, Run
from mppcqa.runs.seats import MEASURE, refuse_moved, shown_states
from mppcqa.runs.state_check import check_states
from tests.thoroughness import tries
from tests.web.formfields import opened

S = DeviceState
SERIALS = ["GX-000", "GX-001", "GX-002", "GX-003"]
FREE = {S.REGISTERED, S.IN_TRAY, S.AT_REST, S.RECEIVED}
ADVICE = re.compile(
    r"unload|load it|load devices|receive|unpack|release|wait for|reinstate|found again|removed|"
    r"leave it out|choose|scan|its page|give the reason|send it from|stop it|at a station|say that",
    re.I,
)
some = st.lists(st.sampled_from(SERIALS), min_size=1, max_size=3, unique=True)
one = st.sampled_from(SERIALS)
station_number = st.sampled_from([0, 1])
REFUSALS = (MoveRefused, ShipmentRefused, RunRefused, SlotFaults, ImportRefused, SubmitError)


class Laboratory(RuleBasedStateMachine):
    """Two stations in one of two institutes, four devices, boxes between the institutes."""

    campaign: SimpleNamespace
    """Made once; whatever was done with it is undone after each example."""

    @initialize()
    def opens(self) -> None:
        self.rollback = transaction.atomic()
        self.rollback.__enter__()
        campaign = self.campaign
        self.person, self.here, self.there = campaign.person, campaign.place, campaign.there
        self.stations, self.browser = campaign.stations, campaign.browser
        self.state: dict[str, DeviceState] = dict.fromkeys(SERIALS, S.IN_TRAY)
        self.seat: dict[str, tuple[int, int]] = {}
        self.box: dict[str, int] = {}
        self.place: dict[str, Institute] = dict.fromkeys(SERIALS, self.here)
        self.failing: set[str] = set()
        self.ids = dict(Device.objects.values_list("serial", "pk"))
        self.counter = itertools.count()

    def teardown(self) -> None:
        if not hasattr(self, "rollback"):
            return
        transaction.set_rollback(True)
        self.rollback.__exit__(None, None, None)

    # What a person in the laboratory knows

    def in_test(self, serial: str) -> bool:
        if serial not in self.seat:
            return False
        station = self.stations[self.seat[serial][0]]
        runs = Run.objects.filter(station=station, slots__device=self.ids[serial])
        return any(self.measuring(run) for run in runs)

    def measuring(self, run: Run) -> bool:
        tasks = Task.objects.filter(name=MEASURE, about_id=str(run.pk))
        return tasks.filter(state__in=OPEN_STATES).exists()

    def busy(self, number: int) -> bool:
        """Whether the station has a task that runs."""
        lane = Lane.objects.filter(name=self.stations[number].lane).first()
        return lane is not None and lane.holder is not None and lane.holder.is_open

    def under_way(self, serial: str) -> bool:
        box = self.box.get(serial)
        return box is not None and Shipment.objects.get(pk=box).sent_at is not None

    def is_free(self, serial: str) -> bool:
        return self.state[serial] in FREE and not self.under_way(serial)

    def tried(self, may: bool, what: Callable[[], Any]) -> Any:
        """Do it; it must be done exactly if it may be, and a refusal must change nothing."""
        before, done, refused = self.facts(), None, None
        try:
            with transaction.atomic():
                done = what()
        except REFUSALS as error:
            refused = error
        assert (refused is None) == may, refused or "done, though it may not be"
        if refused is not None:
            faults = getattr(refused, "faults", None) or [str(refused)]
            for text in faults.values() if isinstance(faults, dict) else faults:
                assert ADVICE.search(str(text)), text
            assert self.facts() == before
        return done

    def facts(self) -> list[Any]:
        return [
            list(rows.order_by("pk").values_list())
            for rows in (Device.objects, LoadedDevice.objects, Shipment.objects, DeviceMove.objects)
        ]

    def home(self, serials: Iterable[str]) -> None:
        for serial in serials:
            placed = Device.objects.get(serial=serial).tray_id is not None
            self.state[serial] = S.IN_TRAY if placed else S.AT_REST

    # Stations

    @rule(number=station_number, serial=one, slot=st.integers(1, 3))
    def load(self, number: int, serial: str, slot: int) -> None:
        may = (
            self.is_free(serial)
            and not self.busy(number)
            and (number, slot) not in self.seat.values()
            and self.place[serial] == self.here
        )
        self.tried(may, lambda: load_station(self.stations[number], {slot: serial}) or True)
        if may:
            self.state[serial], self.seat[serial] = S.LOADED, (number, slot)

    @rule(number=station_number)
    def unload(self, number: int) -> None:
        inside = [serial for serial, (at, _slot) in self.seat.items() if at == number]
        may = not self.busy(number) and not any(map(self.in_test, inside))
        self.tried(may, lambda: unload_station(self.stations[number]))
        if may:
            for serial in inside:
                del self.seat[serial]
            self.home(inside)

    @rule(number=station_number)
    def start(self, number: int) -> None:
        may = any(at == number for at, _slot in self.seat.values())
        self.tried(may, lambda: start_run(self.stations[number], by=self.person))

    @precondition(lambda self: Task.objects.filter(name=MEASURE).exists())
    @rule(data=st.data())
    def measure_again(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(list(Task.objects.filter(name=MEASURE).order_by("pk"))))
        may = not any(one.is_open for one in task.group.current_tasks())
        self.tried(may, lambda: again(task))

    @precondition(lambda self: Task.objects.filter(name=MEASURE, state=State.WAITING).exists())
    @rule()
    def worker_begins(self) -> None:
        """A worker takes the next measurement; it looks whether the devices are still there."""
        task = Task.objects.filter(name=MEASURE, state=State.WAITING).earliest("pk")
        run = Run.objects.get(pk=task.about_id)
        number = self.stations.index(run.station)
        if self.busy(number):
            return
        now = timezone.now()
        move_task(task, State.WAITING, State.RUNNING, started_at=now, attempt=1, worker="w")
        Lane.objects.filter(name=task.lane).update(holder=task)
        slots = {slot.device.serial: (number, slot.slot) for slot in run.slots.all()}
        may = all(self.seat.get(serial) == seat for serial, seat in slots.items())
        self.tried(may, lambda: refuse_moved(run))
        if not may:
            move_task(task, State.RUNNING, State.FAILED)

    @precondition(lambda self: Task.objects.filter(name=MEASURE, state=State.RUNNING).exists())
    @rule(end=st.sampled_from([State.SUCCEEDED, State.FAILED, State.LOST]))
    def worker_ends(self, end: State) -> None:
        task = Task.objects.filter(name=MEASURE, state=State.RUNNING).earliest("pk")
        move_task(task, State.RUNNING, end)

    @precondition(lambda self: Run.objects.filter(task_group__isnull=False).exists())
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        runs = list(Run.objects.filter(task_group__isnull=False).order_by("pk"))
        kill_group(data.draw(st.sampled_from(runs)).task_group)

    # Verdicts

    @rule(serial=one, fails=st.booleans())
    def judge(self, serial: str, fails: bool) -> None:
        outcome = Outcome.FAIL if fails else Outcome.PASS
        Standing.objects.filter(device=self.ids[serial]).update(outcome=outcome)
        (self.failing.add if fails else self.failing.discard)(serial)

    # Boxes

    @rule(
        serials=some,
        exempt=st.sampled_from(Shipment.Exempt.values),
        at_once=st.booleans(),
        back=st.booleans(),
    )
    def pack(self, serials: list[str], exempt: str, at_once: bool, back: bool) -> None:
        ends = (self.there, self.here) if back else (self.here, self.there)
        excused = exempt != ""

        def fits(serial: str) -> bool:
            state = self.state[serial]
            good = self.is_free(serial) or (
                excused and state == S.ON_HOLD and not self.under_way(serial)
            )
            fine = excused or serial not in self.failing
            return good and fine and self.place[serial] == ends[0]

        may = all(map(fits, serials))
        do = send if at_once else pack
        box = self.tried(may, lambda: do(*ends, serials, exempt=exempt, exempt_why="to be shown"))
        if may:
            for serial in serials:
                self.box[serial] = box.pk
                self.state[serial] = S.SHIPPED if at_once else S.PACKED

    @precondition(lambda self: Shipment.objects.filter(sent_at=None).exists())
    @rule(serials=st.none() | some)
    def unpack(self, serials: list[str] | None) -> None:
        box = Shipment.objects.filter(sent_at=None).earliest("pk")
        inside = [serial for serial, at in self.box.items() if at == box.pk]
        may = serials is None or set(serials) <= set(inside)
        self.tried(may, lambda: unpack(box, serials))
        if may:
            taken = inside if serials is None else serials
            for serial in taken:
                del self.box[serial]
            self.home(taken)

    @precondition(lambda self: Shipment.objects.filter(sent_at=None).exists())
    @rule()
    def box_leaves(self) -> None:
        box = Shipment.objects.filter(sent_at=None).earliest("pk")
        inside = [serial for serial, at in self.box.items() if at == box.pk]
        may = box.exempt != "" or not self.failing & set(inside)
        self.tried(may, lambda: send_packed(box) or True)
        if may:
            self.state |= dict.fromkeys(inside, S.SHIPPED)

    @precondition(lambda self: Shipment.objects.exists())
    @rule(data=st.data(), serials=some, known=st.booleans())
    def receive(self, data: st.DataObject, serials: list[str], known: bool) -> None:
        box = data.draw(st.sampled_from(list(Shipment.objects.order_by("pk"))))
        late = box.received_at is not None
        rows = box.missing if late else box.devices
        expected = set(rows.values_list("serial", flat=True))
        others = set(serials) - expected

        def comes(serial: str) -> bool:
            if serial in self.seat or self.box.get(serial, box.pk) != box.pk:
                return False
            return self.state[serial] in FREE | {S.SHIPPED, S.LOST, S.ON_HOLD}

        may = (
            box.sent_at is not None
            and bool(expected or not late)
            and all(map(comes, serials))
            and (not others or (known and not late))
            and (late or known or expected <= set(serials))
        )
        told = {"missing_is_known": known, "others_are_known": known}
        self.tried(may, lambda: receive(box, serials, **told))
        if not may:
            return
        for serial in serials:
            self.place[serial] = box.destination
            if self.state[serial] != S.ON_HOLD:
                self.state[serial] = S.RECEIVED
        for serial in expected | set(serials):
            if self.box.get(serial) == box.pk:
                del self.box[serial]
        if not late:
            self.state |= dict.fromkeys(expected - set(serials), S.LOST)

    # By hand

    @rule(serial=one, asked=st.sampled_from(list(Move)))
    def by_hand(self, serial: str, asked: Move) -> None:
        state = self.state[serial]
        parked = state in FREE | {S.ON_HOLD, S.INSTALLED}
        may = {
            Move.HOLD: state in FREE,
            Move.RELEASE: state == S.ON_HOLD,
            Move.INSTALL: state in FREE,
            Move.REMOVE: state == S.INSTALLED,
            Move.RETIRE: parked or state == S.LOST,
            Move.REINSTATE: state == S.RETIRED,
            Move.LOSE: parked or state == S.SHIPPED,
            Move.FIND: state == S.LOST,
        }.get(asked, False)
        may = may and (asked == Move.LOSE or not self.under_way(serial))
        device = Device.objects.get(serial=serial)
        self.tried(may, lambda: move_by_hand(device, asked, "as told") or True)
        if not may:
            return
        to = {
            Move.HOLD: S.ON_HOLD,
            Move.INSTALL: S.INSTALLED,
            Move.RETIRE: S.RETIRED,
            Move.LOSE: S.LOST,
        }
        if asked in to:
            self.state[serial] = to[asked]
        else:
            self.home([serial])

    def may_be_placed(self, serial: str) -> bool:
        return self.state[serial] in FREE | {S.ON_HOLD} and not self.under_way(serial)

    @rule(serial=one, place=st.sampled_from(["Jefferson Lab", "Valparaíso"]))
    def its_page_says_where_it_is(self, serial: str, place: str) -> None:
        """By the form of its page, which shows why not."""
        device = Device.objects.get(serial=serial)
        where = Institute.objects.get(name=place)
        moved = where != self.place[serial]
        may = not moved or (
            self.state[serial] in FREE | {S.ON_HOLD, S.INSTALLED, S.RETIRED}
            and not self.under_way(serial)
        )
        form = {"location": where.pk, "lot_name": "L1"}
        if device.tray_id is not None:
            form |= {"tray_name": device.tray.name, "tray_row": device.tray_row}
            form |= {"tray_column": device.tray_column}
        before = self.facts()
        address = f"/devices/{serial}/edit/"
        answer = self.browser.post(address, form | opened(self.browser, address))
        assert answer.status_code == (302 if may else 422)
        if may:
            self.place[serial] = where
        else:
            assert ADVICE.search(answer.content.decode())
            assert self.facts() == before

    @rule(serial=one)
    def its_page_takes_it_out_of_the_tray(self, serial: str) -> None:
        device = Device.objects.get(serial=serial)
        if device.tray_id is None:
            return
        state = self.state[serial]
        may = state in FREE | {S.ON_HOLD, S.INSTALLED, S.LOST, S.RETIRED}
        may = may and not self.under_way(serial)
        form = {"location": self.place[serial].pk, "lot_name": "L1"}
        address = f"/devices/{serial}/edit/"
        answer = self.browser.post(address, form | opened(self.browser, address))
        assert answer.status_code == (302 if may else 422)
        if may and state == S.IN_TRAY:
            self.state[serial] = S.AT_REST

    @rule(serial=one, place=st.sampled_from(["", "Jefferson Lab", "Valparaíso"]))
    def a_table_moves_it(self, serial: str, place: str) -> None:
        """An imported table with a tray, and perhaps a place."""
        number = next(self.counter)
        row, column = divmod(number, 20)
        table = "serial,tray,tray_row,tray_column,location\n"
        table += f"{serial},T-2,{row},{column},{place}\n"
        moved = place not in ("", self.place[serial].name)
        may = self.may_be_placed(serial)

        def import_it() -> bool:
            made = take_in([table.encode()], "t.csv", kind="devices", by=self.person)
            made.existing = Import.Existing.UPDATE
            made.save()
            check(made)
            if made.faults:
                raise ImportRefused("; ".join(fault["what"] for fault in made.found["faults"]))
            apply(made, by=self.person)
            return True

        self.tried(may, import_it)
        if may:
            if self.state[serial] != S.ON_HOLD:
                self.state[serial] = S.IN_TRAY
            if moved:
                self.place[serial] = Institute.objects.get(name=place)

    # Always

    @invariant()
    def what_is_stored_is_what_the_laboratory_knows(self) -> None:
        stored = dict(Device.objects.values_list("pk", "state"))
        shown = shown_states(stored)
        expected = {
            self.ids[serial]: S.IN_TEST if self.in_test(serial) else state
            for serial, state in self.state.items()
        }
        assert shown == expected
        seats = {
            (device.serial, (self.stations.index(row.station), row.slot))
            for row in LoadedDevice.objects.select_related("device", "station")
            for device in [row.device]
        }
        assert seats == set(self.seat.items())
        places = dict(Device.objects.values_list("serial", "location"))
        assert places == {serial: place.pk for serial, place in self.place.items()}

    @invariant()
    def the_check_finds_nothing(self) -> None:
        assert check_states() == []

    @invariant()
    def nothing_is_in_two_places(self) -> None:
        assert not set(self.seat) & set(self.box)


@pytest.mark.timeout(1800)
def test_anything_in_any_order(campaign: SimpleNamespace, operator: User) -> None:
    Tray.objects.create(name="T-2", rows=50, columns=20)
    campaign.person, campaign.browser = operator, Client()
    campaign.there = Institute.objects.create(name="Valparaíso")
    campaign.browser.force_login(operator)
    Laboratory.campaign = campaign
    with override("en"):
        run_state_machine_as_test(
            Laboratory,
            settings=settings(
                max_examples=tries(8, 20),
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
