"""How long, how much, when and in whose hand: the small words that every page is made of."""

from __future__ import annotations

import datetime as dt
import json
import math
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.inventory.models import Device
from mppcqa.queue.registry import Parameter, Routine
from mppcqa.web import looks
from mppcqa.web.asking.fields import (
    MOST_CHOICES,
    NamedRow,
    argument_fields,
    arguments_of,
    as_typed,
    first_of,
    kept_words,
    of_person,
    words_of,
)
from mppcqa.web.reading import NotTaken, line, sent, whole
from mppcqa.web.scan.finding import begins_known
from mppcqa.web.scan.hand import KEPT_S, KEY, SIGNED_S, Hand, hand_of, keep
from mppcqa.web.zones import COOKIE, PersonsZone, here, zone_name, zone_named


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"), (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (10, "10 s"),
        (59.4, "59 s"), (59.5, "1 min 00 s"), (200, "3 min 20 s"), (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"), (7505, "2 h 05 min"), (90_000, "25 h 00 min"),
    ],
)  # fmt: skip
def test_how_long_something_took(seconds: float | None, text: str) -> None:
    assert looks.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "—"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
        (999_950, "1.0 MB"), (999_999, "1.0 MB"), (1_500_000, "1.5 MB"), (2_500_000_000, "2.5 GB"),
        (7_200_000_000_000, "7200.0 GB"),
    ],
)  # fmt: skip
def test_how_large_something_is(size: int | None, text: str) -> None:
    assert looks.size(size) == text


@settings(max_examples=30)
@given(st.integers(0, 10**13))
def test_a_size_is_right_to_a_twentieth(size: int) -> None:
    number, unit = looks.size(size).split()
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert float(number) * factor == pytest.approx(size, rel=0.051)
    assert float(number) < 1000 or unit == "GB"


@pytest.mark.parametrize(
    ("percent", "name"),
    [(0, "part-0"), (0.01, "part-1"), (0.24, "part-1"), (0.3, "part-1"), (50, "part-100"),
     (99.9, "part-200"), (100, "part-200"), (120, "part-200"), (-5, "part-0")],
)  # fmt: skip
def test_a_bar_is_as_wide_as_its_part_and_seen_where_there_is_any(
    percent: float, name: str
) -> None:
    assert looks.part(percent) == name


@pytest.mark.parametrize(
    ("state", "kind"),
    [("pass", "good"), ("succeeded", "good"), ("warning", "warn"), ("waived", "warn"),
     ("timed_out", "warn"), ("fail", "bad"), ("lost", "bad"), ("running", "busy"),
     ("in_test", "busy"), ("incomplete", "calm"), ("", "calm"), ("never heard of", "calm"),
     (None, "calm")],
)  # fmt: skip
def test_a_state_has_a_colour_and_a_sign_that_says_the_same(state: Any, kind: str) -> None:
    assert looks.state_kind(state) == f"state-{kind}"
    icons = {looks.state_icon(one) for one in looks.KINDS[kind][1]}
    assert len(icons) == 1
    assert looks.state_icon("never heard of") == "circle"


def test_a_state_without_a_name_of_its_own_is_told_in_words() -> None:
    assert looks.words_of("timed_out") == "timed out"
    assert looks.words_of("") == "not judged"
    assert looks.words_of("fail", "falla") == "falla"
    assert looks.words_of(SimpleNamespace(label="On hold")) == "On hold"


@pytest.mark.parametrize(
    ("value", "short", "rough"),
    [(None, "—", "—"), (51.61312, "51.613", "51.6"), (0.0, "0", "0"), (-7.01234e-5,
     "-7.0123 × 10⁻⁵", "-7.01 × 10⁻⁵"), (math.inf, "inf", "inf"), (1999.0, "1999", "2000")],
)  # fmt: skip
def test_a_value_has_five_digits_and_a_spread_three(
    value: float | None, short: str, rough: str
) -> None:
    assert looks.short(value) == short
    assert looks.rough(value) == rough


def test_an_address_keeps_what_was_asked_but_for_what_changes() -> None:
    asked = QueryDict("a=1&a=2&b=3&after=7")
    assert looks.query(asked, after=None) == "?a=1&a=2&b=3"
    assert looks.query(asked, a="9", after="") == "?b=3&a=9"
    assert looks.query(asked, c=0) == "?a=1&a=2&b=3&after=7&c=0"
    assert looks.query({}, q="ä &") == "?q=%C3%A4+%26"
    assert asked.urlencode() == "a=1&a=2&b=3&after=7", "what was asked stays as it was"


def test_what_has_no_page_of_its_own_leads_to_its_devices() -> None:
    assert looks.whereabouts(("lot", "L 7")) == "/devices/?lot=L+7"
    assert looks.whereabouts(("device", "GX-1")) == "/devices/GX-1/"


NOON = dt.datetime(2026, 7, 1, 12, 0, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("cookie", "name", "clock"),
    [("Europe/Madrid", "Europe/Madrid", "2026-07-01 14:00:30"), ("", "UTC", "2026-07-01 12:00:30"),
     ("UTC", "UTC", "2026-07-01 12:00:30"), ("Mars/Base", "UTC", "2026-07-01 12:00:30"),
     ("Asia/Kathmandu", "Asia/Kathmandu", "2026-07-01 17:45:30")],
)  # fmt: skip
def test_moments_are_by_the_clock_that_the_browser_chose_for_its_own_requests_alone(
    cookie: str, name: str, clock: str
) -> None:
    def page(_request: object) -> HttpResponse:
        naive = NOON.replace(tzinfo=None)
        assert here(naive) is naive
        return HttpResponse(f"{zone_name()} {looks.clock(NOON)}")

    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = cookie
    assert PersonsZone(page)(request).content.decode() == f"{name} {clock}"
    assert zone_name() == "UTC"
    assert looks.clock(None) == "—"
    assert looks.moment(None) == "—"


def test_a_page_that_fails_leaves_no_zone_behind() -> None:
    def broken(_request: object) -> HttpResponse:
        raise RuntimeError

    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = "Europe/Madrid"
    with pytest.raises(RuntimeError):
        PersonsZone(broken)(request)
    assert zone_name() == "UTC"
    assert zone_named("Europe/Madrid") == ZoneInfo("Europe/Madrid")
    assert zone_named("../etc") is None


def request_with(hand: Hand, age_s: float, now: float, monkeypatch: pytest.MonkeyPatch) -> Any:
    request = RequestFactory().get("/")
    request.session = {}  # type: ignore[assignment]
    monkeypatch.setattr("mppcqa.web.scan.hand.time.time", lambda: now - age_s)
    keep(request, hand)
    monkeypatch.setattr("mppcqa.web.scan.hand.time.time", lambda: now)
    return request


@pytest.mark.parametrize(
    ("age_s", "station", "badge"),
    [(0, 7, 3), (SIGNED_S, 7, 3), (SIGNED_S + 1, 7, 0), (KEPT_S, 7, 0), (KEPT_S + 1, None, 0)],
)
def test_what_is_in_hand_is_forgotten_and_whose_hand_it_is_sooner(
    age_s: float, station: int | None, badge: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(station=7, name="PDE", slot=2, badge=3, signed="Rosa", registers=True)
    found = hand_of(request_with(hand, age_s, 1e9, monkeypatch))
    assert (found.station, found.badge) == (station, badge)
    assert (found.signed, found.registers) == (("Rosa", True) if badge else ("", False))


def test_a_hand_of_another_release_is_taken_as_far_as_it_is_known() -> None:
    request = RequestFactory().get("/")
    request.session = {KEY: {"slot": 4, "of_tomorrow": 1, "at": 9e12}}  # type: ignore[assignment]
    assert hand_of(request) == Hand(slot=4)
    request.session = {KEY: None}  # type: ignore[assignment]
    assert hand_of(request) == Hand()


def test_texts_of_forms_are_bare_and_bounded() -> None:
    assert line({"why": "  a b "}, "why", 3) == "a b"
    assert line({}, "why", 3) == ""
    with pytest.raises(NotTaken, match=r"“abcd…” is longer than 3 characters"):
        line({"why": "abcd"}, "why", 3)
    assert whole({"n": "-5"}, "n") == -5
    assert whole({"n": "5x"}, "n") is None
    assert whole({}, "n") is None
    make = RequestFactory()
    assert sent(make.get("/")) is None
    assert sent(make.post("/")) is not None, "a form that brings nothing was sent all the same"


CHOICES = (("a", "Apple"), ("b", "Pear"))


def parameter(name: str, **facts: Any) -> Parameter:
    return Parameter(name, name.title(), **facts)


ASKED = Routine(
    "x", lambda: None, "X", repeatable=True, hard_limit_s=1, max_attempts=1, retry_on=(),
    soft_limit_s=None, schedule=None,
    parameters=(
        parameter("kind", choices=lambda: CHOICES, first=True),
        parameter("device", of="inventory.device"),
        parameter("number", kind=int, default=0),
        parameter("fruit", choices=lambda: CHOICES, default="a"),
        parameter("again", kind=bool, default=False),
        parameter("secret", default="", right="auth.delete_user"),
    ),
)  # fmt: skip


def test_arguments_that_say_nothing_are_left_out() -> None:
    cleaned = {"a-kind": "a", "a-device": SimpleNamespace(pk=7), "a-number": 0, "a-fruit": "a",
               "a-again": True, "a-secret": ""}  # fmt: skip
    assert arguments_of(ASKED, cleaned) == {"kind": "a", "device": 7, "again": True}
    # What is needed is said whatever it is.
    assert arguments_of(ASKED, cleaned | {"a-number": 3, "a-fruit": "b"})["fruit"] == "b"
    assert as_typed({"number": 3}) == {"a-number": 3}


def test_a_list_says_what_was_asked_in_words_of_whoever_reads() -> None:
    cleaned = {"a-kind": "b", "a-device": "GX-1", "a-number": 5, "a-again": True}
    kept = kept_words(ASKED, cleaned)
    assert dict(json.loads(kept)) == {"kind": "b", "device": "GX-1", "number": 5, "again": True}
    assert words_of(ASKED, kept) == "Pear, GX-1, Number 5, Again"
    assert words_of(ASKED, json.dumps([["again", False]])) == "Again: no"
    assert words_of(ASKED, json.dumps([["kind", "gone"]])) == "gone"
    for old in ("words of an earlier release", json.dumps([["of_yesterday", 1]]), "5"):
        assert words_of(ASKED, old) == old
    assert len(words_of(ASKED, json.dumps([["device", "x" * 500]]))) == 200


def test_what_is_chosen_with_a_routine_is_known_or_none() -> None:
    assert first_of(ASKED, {"kind": "a"}) == first_of(ASKED, {"a-kind": "a"}) == {"kind": "a"}
    for wrong in ({}, {"kind": "c"}, {"kind": ""}):
        with pytest.raises(KeyError):
            first_of(ASKED, wrong)


@pytest.mark.django_db
def test_a_form_has_a_field_for_what_a_person_may_say(
    campaign: SimpleNamespace, operator: User
) -> None:
    plain = User.objects.create_user("eva")
    assert "secret" not in [one.name for one in of_person(ASKED, plain)]
    assert "secret" in [one.name for one in of_person(ASKED, operator)]
    fields = argument_fields(ASKED, operator, {"kind": "a"})
    assert list(fields) == [f"a-{one.name}" for one in ASKED.parameters]
    assert fields["a-kind"].initial == "a"
    assert fields["a-number"].initial is None, "a default of nothing stands nowhere"
    assert fields["a-fruit"].initial == "a"
    assert not fields["a-again"].required
    assert fields["a-device"].required
    assert [value for value, _text in fields["a-fruit"].choices] == ["a", "b"]  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_of_many_rows_one_is_typed_as_people_call_it(
    campaign: SimpleNamespace, operator: User
) -> None:
    first, other = campaign.devices[:2]
    field = NamedRow(Device.objects.all(), label="device", required=False)
    assert field.clean("GX-000") == first
    assert field.clean(f" {other.pk} ") == other
    assert field.clean("") is None
    assert field.prepare_value(first) == first.pk
    with pytest.raises(Exception, match="There is no device “GX-9”"):
        field.clean("GX-9")
    kind = type(argument_fields(ASKED, operator, {"kind": "a"})["a-device"])
    assert kind.__name__ == "ModelChoiceField"
    Device.objects.bulk_create(
        Device(serial=f"M-{n}", device_type=campaign.kind) for n in range(MOST_CHOICES - 3)
    )
    assert isinstance(argument_fields(ASKED, operator, {"kind": "a"})["a-device"], NamedRow)


@pytest.mark.django_db
def test_a_serial_number_that_begins_a_known_one_is_told(campaign: SimpleNamespace) -> None:
    assert begins_known("GX-0", None) == "GX-000"
    assert begins_known("GX-00", None) == "GX-000"
    assert begins_known("GX-000", None) == ""
    assert begins_known("HX", None) == ""
