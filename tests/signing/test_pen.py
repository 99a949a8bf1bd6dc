"""What a signature is: of one person, of exactly one act, in words that stay as they were."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.translation import gettext, override

from mppcqa.inventory.models import Lot, Maker
from mppcqa.signing.models import Act, Method, SignedAct, in_words, signers
from mppcqa.signing.pen import NotSigned, Pen, Wanted, bars_asked, drop, is_waiting, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def thing() -> Maker:
    return Maker.objects.create(name="Hamamatsu")


def person(name: str, **more: str) -> User:
    return User.objects.create_user(name, **more)


def signed(pen: Pen | None, thing: Maker, **more: Any) -> SignedAct | None:
    options: dict[str, Any] = {
        "named": "Hamamatsu",
        "meaning": lambda: gettext("Change of limits in use"),
        "told": {"why": "a prototype"},
    }
    return sign(pen, Act.LIMITS, thing, **{**options, **more})


def test_one_signature_is_enough_where_one_is_asked_for(thing: Maker) -> None:
    nora = person("nora", first_name="Nora", last_name="Ibsen")
    row = signed(Pen(nora, Method.PASSWORD), thing)
    assert row is not None
    assert (row.state, row.waits, is_waiting(row)) == (SignedAct.State.DONE, False, False)
    assert row.done_at is not None
    (one,) = row.signatures
    assert (one["person"], one["name"], one["method"]) == (
        nora.pk, "Nora Ibsen (nora)", "password",
    )  # fmt: skip
    assert one["at"].endswith("+00:00")
    assert (row.kind, row.key, row.named) == ("inventory.maker", thing.pk, "Hamamatsu")


def test_the_program_itself_signs_nothing(thing: Maker) -> None:
    assert signed(None, thing) is None
    assert not is_waiting(None)
    assert not SignedAct.objects.exists()


def test_who_proved_nothing_is_asked_and_nothing_is_kept(thing: Maker) -> None:
    nora = person("nora")
    with pytest.raises(Wanted) as asked:
        signed(Pen(nora), thing, needed=3)
    assert (asked.value.act, asked.value.more) == (Act.LIMITS, 2)
    assert asked.value.meaning == "Change of limits in use"
    assert not SignedAct.objects.exists()
    signed(Pen(person("rosa"), Method.CODE), thing, needed=3)
    with pytest.raises(Wanted) as asked:
        signed(Pen(nora), thing, needed=3)
    assert asked.value.more == 1


def test_two_persons_sign_the_same_and_one_of_them_not_twice(thing: Maker) -> None:
    nora, rosa = (Pen(person(name), Method.PASSWORD) for name in ("nora", "rosa"))
    first = signed(nora, thing, needed=2)
    assert first is not None
    assert is_waiting(first)
    assert first.done_at is None
    with pytest.raises(NotSigned, match="signed this already"):
        signed(nora, thing, needed=2)
    second = signed(rosa, thing, needed=2)
    assert second is not None
    assert second.pk == first.pk
    assert not second.waits
    assert [one["name"] for one in second.signatures] == ["nora", "rosa"]


def test_a_second_signature_counts_for_exactly_the_same_alone(thing: Maker) -> None:
    nora, rosa = (Pen(person(name), Method.PASSWORD) for name in ("nora", "rosa"))
    first = signed(nora, thing, needed=2)
    other = signed(rosa, thing, needed=2, told={"why": "another reason"})
    assert first is not None
    assert other is not None
    assert other.pk != first.pk
    assert first.waits
    assert other.waits
    # Once one of them is signed, what waits beside it can't be done any more.
    done = signed(rosa, thing, needed=2)
    assert done is not None
    assert not done.waits
    other.refresh_from_db()
    assert other.state == SignedAct.State.DROPPED


def test_what_is_signed_of_one_thing_says_nothing_of_another(thing: Maker) -> None:
    another = Maker.objects.create(name="Broadcom")
    nora, rosa = (Pen(person(name), Method.PASSWORD) for name in ("nora", "rosa"))
    first = signed(nora, thing, needed=2)
    other = signed(rosa, another, needed=2)
    lot = Lot.objects.create(pk=thing.pk, name="of the same number")
    act = sign(
        rosa, Act.LIMITS, lot, named="x", meaning=lambda: "x", told={"why": "a prototype"}, needed=2
    )
    assert None not in (first, other, act)
    assert len({one.pk for one in (first, other, act) if one}) == 3
    assert SignedAct.objects.filter(state=SignedAct.State.WAITING).count() == 3


def test_what_waits_is_withdrawn_once(thing: Maker) -> None:
    nora = Pen(person("nora"), Method.PASSWORD)
    row = signed(nora, thing, needed=2)
    assert row is not None
    drop(row)
    row.refresh_from_db()
    assert row.state == SignedAct.State.DROPPED
    with pytest.raises(NotSigned, match="Nothing waits"):
        drop(row)
    again = signed(nora, thing, needed=2)
    assert again is not None
    assert again.pk != row.pk, "a withdrawn signature counts no more"


def test_who_is_barred_is_told_every_reason_before_a_password_is_asked_for(thing: Maker) -> None:
    nora = person("nora")
    asked: list[SimpleNamespace] = []

    def bar(**told: Any) -> str:
        asked.append(SimpleNamespace(**told))
        return "she measured it herself" if told["person"] == nora.pk else ""

    bars_asked.connect(bar)
    try:
        with pytest.raises(NotSigned, match="measured it herself"):
            signed(Pen(nora), thing)
        assert signed(Pen(person("rosa"), Method.PASSWORD), thing) is not None
    finally:
        bars_asked.disconnect(bar)
    assert [(one.act, one.subject) for one in asked] == [(Act.LIMITS, thing)] * 2


def test_the_meaning_is_kept_in_each_language_as_it_was(thing: Maker) -> None:
    row = signed(Pen(person("nora"), Method.PASSWORD), thing)
    assert row is not None
    assert row.meaning["en"] == "Change of limits in use"
    assert row.meaning["es"] not in ("", row.meaning["en"])
    with override("es"):
        assert row.in_words == row.meaning["es"]
    with override("de"):
        assert row.in_words == "Change of limits in use"
    assert in_words({}) == ""


def test_signers_are_told_with_moment_in_utc_and_method() -> None:
    told = [
        {"name": "nora", "at": "2026-03-02T13:05:00+02:00", "method": "code"},
        {"name": "rosa", "at": "2026-03-02T12:00:00+00:00", "method": "by hand"},
    ]
    with override("en"):
        assert signers(told) == (
            "nora, 2026-03-02 11:05 (password and code); rosa, 2026-03-02 12:00 (by hand)"
        )


def test_what_leaves_the_database_names_no_numbers_of_ours(thing: Maker) -> None:
    row = signed(Pen.on_command(person("nora")), thing)
    assert row is not None
    document = row.document()
    assert set(document) == {"act", "meaning", "signatures"}
    assert [set(one) for one in document["signatures"]] == [{"name", "at", "method"}]
    assert document["signatures"][0]["method"] == "command"
