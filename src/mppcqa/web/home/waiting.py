"""What waits for the person who opened the home page, and what a new installation lacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.database.counting import count_to
from mppcqa.inventory.cases import Case
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.states import DeviceState
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Run, Station
from mppcqa.signing.models import SignedAct
from mppcqa.web.bound import of_all
from mppcqa.web.signing.performing import KINDS

MOST = 1000
"""Each is counted to here."""


@dataclass(frozen=True)
class Waiting:
    """So many of something, and the list that has them."""

    text: str
    n: int
    url: str

    @property
    def number(self) -> str:
        return f"> {MOST}" if self.n > MOST else str(self.n)


@dataclass(frozen=True)
class Step:
    """What is needed before a first run."""

    title: str
    done: bool
    url: str


def what_waits(viewer: Any) -> list[Waiting]:
    """What a person is waited for, by those who may do it; nothing of which there is none."""
    found = []
    if not of_all("station_statistics", viewer):
        alarms = StationAlarm.objects.filter(closed_at=None)
        n = count_to(alarms, MOST + 1)
        some = list(alarms.order_by().values_list("station", flat=True).distinct()[:2]) if n else []
        at = f"?station={some[0]}" if len(some) == 1 else ""  # the page tells which have one
        text = _("Alarms of stations, which hold verdicts")
        found.append(Waiting(text, n, reverse("station_statistics") + at))
    cases = Case.objects.visible_to(viewer).filter(decided_at=None)
    yours = count_to(cases.filter(in_charge=viewer.pk), MOST + 1)
    found.append(
        Waiting(_("Cases you are in charge of"), yours, _list("case_list", "state=open&whose=mine"))
    )
    if viewer.has_perm("inventory.change_case"):
        text = _("Cases nobody is in charge of")
        n = count_to(cases.filter(in_charge=None), MOST + 1)
        found.append(Waiting(text, n, _list("case_list", "state=open&whose=nobody")))
    if not of_all("signature_list", viewer):
        text = _("Acts that wait for your signature")
        found.append(Waiting(text, _to_sign(viewer), _list("signature_list", "state=waiting")))
    if viewer.has_perm("inventory.change_device"):
        held = Device.objects.visible_to(viewer).filter(state=DeviceState.ON_HOLD)
        url = _list("device_list", f"state={DeviceState.ON_HOLD.value}")
        found.append(Waiting(_("Devices on hold"), count_to(held, MOST + 1), url))
    return [one for one in found if one.n]


def _list(name: str, asked: str) -> str:
    return f"{reverse(name)}?{asked}"


def _to_sign(viewer: Any) -> int:
    """Acts to which a second name of this person may be put."""
    mine = [act for act, kind in KINDS.items() if viewer.has_perm(kind.right)]
    if not mine:
        return 0
    acts = SignedAct.objects.filter(state=SignedAct.State.WAITING, act__in=mine)
    signed = acts.order_by().values_list("signatures", flat=True).iterator(MOST)
    others = (by for by in signed if all(one["person"] != viewer.pk for one in by))
    return sum(1 for _by in islice(others, MOST + 1))


def first_steps(viewer: Any) -> list[Step]:
    """The way to the first run, of who may go it; empty once a run was made."""
    if not viewer.has_perm("runs.add_station") or Run.objects.visible_to(viewer).exists():
        return []
    station = Station.objects.order_by("name").first()
    return [
        Step(
            _("Say what kind of device it is"),
            DeviceType.objects.exists(),
            reverse("catalogue_new", args=["types"]),
        ),
        Step(
            _("Register devices, or import a table of them"),
            Device.objects.visible_to(viewer).exists(),
            reverse("device_register"),
        ),
        Step(
            _("Make a station: without a test program of its own it simulates"),
            station is not None,
            reverse("catalogue_new", args=["stations"]),
        ),
        Step(
            _("Load devices into it, and start the first run"),
            False,
            reverse("station", args=[station.name]) if station else reverse("station_list"),
        ),
    ]
