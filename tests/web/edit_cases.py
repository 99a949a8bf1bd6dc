"""What two people may edit at once: each address with what one types and the other does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from mppcqa.exchange import imports
from mppcqa.exchange.foreign.mappings import save_mapping
from mppcqa.exchange.models import ForeignMapping, Import, Kind, SavedMapping
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, Maker, Tag, Tray
from mppcqa.limits.changes import apply, new_version
from mppcqa.limits.decisions import grant_waiver
from mppcqa.limits.models import LimitSet, SignOff, Verdict, Waiver
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue.clock import set_zone, zone_name
from mppcqa.queue.laboratory import Laboratory
from mppcqa.queue.models import Lane, Task
from mppcqa.reports.models import ReportLook
from mppcqa.results.models import Standing
from mppcqa.runs.actions import load_station, unload_station
from mppcqa.runs.calibrating import map_channels
from mppcqa.runs.calibrating import place as place_at
from mppcqa.runs.instruments import ChannelLine, Instrument
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, Station
from mppcqa.runs.training import in_use, write_version
from mppcqa.stages import get_stage
from tests.pens import pen_of
from tests.web.formfields import PageForm, forms_of

OTHER = "by somebody else"


PROOF = {"sign_password": "finger-spectrum-9"}
"""Who signs logs in again: the browser of these tests is rosa's."""


@dataclass
class Case:
    """How one address is tried."""

    page: str
    """Where its form stands."""
    address: str
    typed: dict[str, Any]
    meanwhile: Callable[[], Any]
    stored: Callable[[], Any]
    wanted: Any
    """What is stored once the typed is taken."""
    shown: tuple[str, ...] = ()
    """What the page of both shows of what is stored and of what was typed."""
    pick: dict[str, str] = field(default_factory=dict)


def _meter(row: Instrument) -> Instrument:
    return Instrument.objects.get(pk=row.pk)


def _sections_of(place: Institute) -> list[str]:
    row = ReportLook.objects.filter(institute=place).first()
    return [] if row is None else row.sections.get("station", [])


def form_on(client: Client, page: str, address: str, **like: str) -> PageForm:
    """The form of a page that goes to an address."""
    answer = client.get(page)
    assert answer.status_code == 200, page
    for one in forms_of(answer.content.decode(), page):
        same = all(one.fields.get(name) == [value] for name, value in like.items())
        if one.method == "post" and one.action == address and same:
            return one
    raise AssertionError(f"no form to {address} on {page}")


def _catalogue(kind: str, row: Any, typed: dict[str, Any], column: str, other: Any) -> Case:
    address = reverse("catalogue_edit", args=[kind, row.pk])
    model, now = type(row), next(iter(typed.values()))
    return Case(
        address,
        address,
        typed,
        lambda: model.objects.filter(pk=row.pk).update(**{column: other}),
        lambda: getattr(model.objects.get(pk=row.pk), column),
        now,
        (str(other), str(now)),
    )


def first_cases(campaign: SimpleNamespace, operator: User) -> dict[str, list[Case]]:
    """Every address that changes something, and what another person does to it meanwhile."""
    device: Device = campaign.devices[0]
    page = f"/devices/{device.serial}/"
    station: Station = campaign.stations[1]
    maker = Maker.objects.get_or_create(name="Hamamatsu")[0]
    lot = Lot.objects.create(name="L-1")
    tag, place = Tag.objects.create(name="old"), Institute.objects.create(name="CERN")
    tray, other_place = Tray.objects.earliest("pk"), Institute.objects.create(name="Orsay")
    kind = DeviceType.objects.earliest("pk")
    Run.objects.update(operator=None)  # who measured may not sign
    row = PeriodicTask.objects.get(name="queue.retention")
    Laboratory.objects.create(pk=1)
    beat = IntervalSchedule.objects.create(every=7200, period="seconds")
    Task.objects.all().delete()
    meter, here = (Instrument.objects.create(name=name, kind="meter") for name in ("A", "B"))
    place_at(here, station, dt.date(2026, 1, 1))
    line = {"slot": 1, "first": 0, "last": 3, "to_first": 0, "instrument": here}
    write_version("pde", {"en": "1. first"})
    luz = invite("luz", ROLES["operator"], by=operator)
    found: dict[str, list[Case]] = {
        "catalogue_edit": [
            _catalogue("makers", maker, {"name": "HPK"}, "name", OTHER),
            _catalogue("lots", lot, {"name": "L-2"}, "name", OTHER),
            _catalogue("tags", tag, {"name": "new"}, "name", OTHER),
            _catalogue("institutes", place, {"address": "Meyrin"}, "address", OTHER),
            _catalogue("trays", tray, {"name": "T-99"}, "name", OTHER),
            _catalogue("types", kind, {"description": "4x4"}, "description", OTHER),
            _catalogue("stations", station, {"time_limit_s": 99}, "time_limit_s", 4321),
        ],
        "catalogue_delete": [
            Case(
                f"/catalogue/institutes/{other_place.pk}/",
                f"/catalogue/institutes/{other_place.pk}/remove/",
                {},
                lambda: Institute.objects.filter(pk=other_place.pk).update(address=OTHER),
                lambda: Institute.objects.filter(pk=other_place.pk).exists(),
                False,
                (OTHER,),
            )
        ],
        "person_edit": [
            Case(
                f"/people/{luz.pk}/",
                f"/people/{luz.pk}/",
                {"email": "luz@example.org"},
                lambda: User.objects.filter(pk=luz.pk).update(email="other@example.org"),
                lambda: User.objects.get(pk=luz.pk).email,
                "luz@example.org",
                ("other@example.org", "luz@example.org"),
            )
        ],
        "device_edit": [
            Case(
                f"{page}edit/",
                f"{page}edit/",
                {"lot_name": "L-1"},
                lambda: Device.objects.filter(pk=device.pk).update(location=place),
                lambda: Device.objects.values_list("lot__name", "location__name").get(pk=device.pk),
                ("L-1", "CERN"),  # both: the one did not touch what the other changed
                ("L-1", "CERN"),
            )
        ],
        "device_rename": [
            Case(
                f"{page}edit/",
                f"{page}rename/",
                {"serial": "MINE-1", "reason": "label"},
                lambda: _renamed(device),
                lambda: Device.objects.get(pk=device.pk).serial,
                "MINE-1",
                ("THEIRS-1",),
            )
        ],
        "schedule": [
            Case(
                f"/schedules/{row.pk}/",
                f"/schedules/{row.pk}/",
                {"when": "every", "number": "5", "unit": "h", "time": ""},
                lambda: PeriodicTask.objects.filter(pk=row.pk).update(crontab=None, interval=beat),
                lambda: getattr(PeriodicTask.objects.get(pk=row.pk).interval, "every", None),
                18_000,
                ("2", "5"),
                {f"pick-{name}": "yours" for name in ("when", "number", "unit", "time")},
            )
        ],
        "schedule_clock": [
            Case(
                "/schedules/clock/",
                "/schedules/clock/",
                {"zone": "Europe/Madrid"},
                lambda: set_zone("Asia/Tokyo"),
                zone_name,
                "Europe/Madrid",
                ("Asia/Tokyo", "Europe/Madrid"),
            )
        ],
        "procedure_write": [
            Case(
                "/procedures/pde/write/",
                "/procedures/pde/write/",
                {"text_en": "1. mine"},
                lambda: write_version("pde", {"en": "1. theirs"}),
                lambda: getattr(in_use("pde"), "text_en", None),
                "1. mine",
                ("1. theirs", "1. mine"),
            )
        ],
        "instrument_place": [
            Case(
                f"/instruments/{meter.pk}/",
                f"/instruments/{meter.pk}/place/",
                {"station": station.pk, "since": "2026-02-01"},
                lambda: place_at(_meter(meter), campaign.stations[0], dt.date(2026, 1, 1)),
                lambda: _meter(meter).station_id,
                station.pk,
                (campaign.stations[0].name,),
            )
        ],
        "channel_map": [
            Case(
                f"/stations/{station.name}/channels/",
                f"/stations/{station.name}/channels/",
                {
                    **{"0-slot": "2", "0-first": "0", "0-last": "15", "0-to_first": "0"},
                    **{f"{at}-slot": "" for at in range(1, station.slots + 4)},
                    "0-instrument": here.pk,
                },
                lambda: map_channels(station, [ChannelLine(**line)]),
                lambda: station.channel_maps.values_list("lines__slot", flat=True).first(),
                2,
            )
        ],
        "station_maintenance": [
            Case(
                f"/stations/{station.name}/",
                f"/stations/{station.name}/maintenance/",
                {"why": "lamp"},
                lambda: Lane.objects.filter(pk=station_lane(station).pk).update(maintenance=OTHER),
                lambda: Lane.objects.get(name=station.lane).maintenance,
                "lamp",
                (OTHER,),
            )
        ],
        "limit_edit": [
            Case(
                "/limits/new/pde/",
                "/limits/new/pde/",
                {"gain_adc-0-pass_low": "11", "title": "mine"},
                lambda: new_version(
                    get_stage("pde"), [{"quantity": "gain_adc", "pass_low": 7.0}], title="theirs"
                ),
                lambda: _gain(LimitSet.objects.filter(stage="pde").latest("version")),
                11.0,
                ("7", "11"),
            )
        ],
        "report_look": [
            Case(
                f"/reports/looks/{place.pk}/",
                f"/reports/looks/{place.pk}/",
                {"name": "European Laboratory"},
                lambda: ReportLook.objects.update_or_create(
                    key=str(place.pk), defaults={"institute": place, "name": OTHER}
                ),
                lambda: ReportLook.objects.filter(institute=place).values_list("name").first(),
                ("European Laboratory",),
                (OTHER, "European Laboratory"),
            )
        ],
        "report_sections": [
            Case(
                f"/reports/looks/{place.pk}/sections/",
                f"/reports/looks/{place.pk}/sections/",
                {"station:failures": "1"},
                lambda: ReportLook.objects.update_or_create(
                    key=str(place.pk),
                    defaults={"institute": place, "sections": {"station": ["runs", "failures"]}},
                ),
                lambda: _sections_of(place),
                ["failures", "runs", "references", "durations"],
                ("1", "2", "4"),
            )
        ],
        "device_waive": [_waiver_case(device, operator)],
        "device_sign_off": [
            Case(
                page,
                f"{page}sign-off/",
                {"note": "seen", **PROOF},
                lambda: Standing.objects.filter(device=device, stage="pde").update(
                    outcome="warning"
                ),
                lambda: SignOff.objects.filter(device=device).count(),
                1,
                ("warning",),
            )
        ],
    }
    return found


def _renamed(device: Device) -> None:
    from mppcqa.inventory.naming import rename_device

    rename_device(Device.objects.get(pk=device.pk), "THEIRS-1", reason="label")


def _gain(found: LimitSet) -> float | None:
    row = found.limits.filter(quantity__key="gain_adc").first()
    return None if row is None else row.pass_low


def _waiver_case(device: Device, operator: User) -> Case:
    standing = Standing.objects.filter(device=device).exclude(verdict=None).earliest("pk")
    verdict = standing.verdict
    Verdict.objects.filter(pk=verdict.pk).update(outcome="fail")
    Standing.objects.filter(pk=standing.pk).update(outcome="fail")
    return Case(
        f"/devices/{device.serial}/",
        f"/devices/{device.serial}/waive/{verdict.pk}/",
        {"reason": "only one channel", **PROOF},
        lambda: grant_waiver(
            Verdict.objects.get(pk=verdict.pk),
            OTHER,
            by=pen_of(),
            expires_on=dt.date(2031, 1, 1),
        ),
        lambda: Waiver.objects.filter(verdict=verdict).values_list("reason", flat=True).first(),
        "only one channel",
        (OTHER, "only one channel", "2031-01-01"),
        {"pick-expires_on": "yours"},
    )


def all_cases(campaign: SimpleNamespace, operator: User) -> dict[str, list[Case]]:
    """Also those that need something loaded, checked or saved first."""
    cases = first_cases(campaign, operator)
    station, devices = campaign.stations[0], campaign.devices
    load_station(station, {1: devices[1].serial}, by=operator)
    page = f"/stations/{station.name}/"

    def swapped() -> None:
        unload_station(station)
        load_station(station, {1: devices[2].serial}, by=operator)

    loaded = lambda: sorted(station.loaded.values_list("device__serial", flat=True))  # noqa: E731
    saved = SavedMapping.objects.create(name="usual", kind=Kind.DEVICES, content={"columns": {}})
    table = imports.take_in(
        [b"serial,code\nNEW-1,x\n"], "t.csv", kind=Kind.DEVICES, by=operator
    )  # fmt: skip
    bands = [{"quantity": "gain_adc", "pass_low": 1.0}]
    new, third = (new_version(get_stage("pde"), bands, title=title) for title in ("new", "third"))
    own = new_version(
        get_stage("pde"), bands, title="own", device_type=DeviceType.objects.earliest("pk")
    )
    LimitSet.objects.filter(pk=own.pk).update(active=True)
    mapping = {
        "name": "scope", "format": "table", "kind": "charge",
        "columns": [{"source": "1", "role": "charge"}],
    }  # fmt: skip
    return {
        **cases,
        "station_unload": [
            Case(page, f"{page}unload/", {"slot": "1"}, swapped, loaded, [], (devices[2].serial,))
        ],
        "run_start": [
            Case(
                page,
                f"{page}start/",
                {},
                swapped,
                lambda: Run.objects.filter(station=station, task_group__isnull=False).count(),
                1,
                (devices[2].serial,),
            )
        ],
        "limit_apply": [
            Case(
                f"/limits/{new.pk}/",
                f"/limits/{new.pk}/apply/",
                PROOF,
                lambda: apply(third),
                lambda: Task.objects.filter(name="limits.apply").count(),
                1,
                (str(third),),
            )
        ],
        "limit_withdraw": [
            Case(
                f"/limits/{own.pk}/",
                f"/limits/{own.pk}/withdraw/",
                PROOF,
                lambda: LimitSet.objects.filter(pk=own.pk).update(title=OTHER),
                lambda: Task.objects.filter(name="limits.withdraw").count(),
                1,
                (OTHER,),
            )
        ],
        "import": [
            Case(
                f"/imports/{table.pk}/",
                f"/imports/{table.pk}/",
                {"action": "check", "to-1": "lot"},
                lambda: _meant(table, "note"),
                lambda: Import.objects.get(pk=table.pk).mapping["columns"]["code"].get("to"),
                "lot",
                ("code",),
            )
        ],
        "mapping_remove": [
            Case(
                "/imports/",
                f"/imports/mappings/{saved.pk}/remove/",
                {},
                lambda: SavedMapping.objects.filter(pk=saved.pk).update(
                    content={"columns": {"a": {"to": "serial"}}}
                ),
                lambda: SavedMapping.objects.filter(pk=saved.pk).exists(),
                False,
                ("a → serial",),
            )
        ],
        "foreign": [
            Case(
                "/runs/import/",
                "/runs/import/",
                {"action": "mapping", "name": "scope", "format": "table", "kind": "charge",
                 "source-0": "2", "role-0": "charge"},
                lambda: save_mapping(mapping),
                lambda: [one.document["columns"][0]["source"]
                         for one in ForeignMapping.objects.filter(name="scope")],
                ["2"],
                ("scope",),
            )
        ],
    }  # fmt: skip


def _meant(table: Import, to: str) -> None:
    row = Import.objects.get(pk=table.pk)
    row.mapping["columns"]["code"] = {"to": to}
    row.save()
