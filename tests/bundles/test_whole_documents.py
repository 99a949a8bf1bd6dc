"""A bundle's documents name nothing that they have not; a partner's key is registered with care."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mppcqa.bundles.keys import (
    CARD,
    KeyRefused,
    card,
    ours,
    register_key,
    rename_ours,
    revoke_key,
)
from mppcqa.bundles.models import Installation, Key
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.inventory.models import Device, Institute, Lot, Tray
from mppcqa.keyfile import fingerprint
from tests.bundles.by_hand import KIND, Partner, name_of
from tests.bundles.elsewhere import at_home

pytestmark = pytest.mark.django_db
TRAY = {"name": "T-1", "rows": 3, "columns": 4, "lot": None, "location": None}
LOT = {"name": "L1", "maker": None, "maker_values": {}}


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


@pytest.mark.parametrize(
    ("inventory", "named"),
    [
        ({"trays": [TRAY | {"lot": 1}], "lots": [LOT]}, "1"),
        ({"trays": [TRAY | {"location": "Nowhere"}]}, "'Nowhere'"),
        ({"lots": [LOT | {"maker": "Nobody"}]}, "'Nobody'"),
        ({"types": [KIND | {"maker": "Nobody"}]}, "'Nobody'"),
        ({"devices": {"type": "S14"}}, "'S14'"),
        ({"devices": {"lot": 0}}, "0"),
        ({"devices": {"tray": 0}}, "0"),
        ({"devices": {"owner": "Nowhere"}}, "'Nowhere'"),
        ({"devices": {"location": "Nowhere"}}, "'Nowhere'"),
        ({"shipments": {"origin": "Nowhere"}}, "'Nowhere'"),
        ({"shipments": {"destination": "Nowhere"}}, "'Nowhere'"),
    ],
)
def test_what_names_what_is_not_there_is_refused_whole(
    partner: Partner, inventory: dict[str, Any], named: str
) -> None:
    device = partner.device(1, **inventory.pop("devices", {}))
    if boxes := inventory.pop("shipments", None):
        inventory["shipments"] = [partner.shipment(1, [1], **boxes)]
    with pytest.raises(BundleRefused, match=f"it names {named}, which it has not"):
        partner.sends([device], **inventory)
    assert not any(model.objects.exists() for model in (Device, Tray, Lot, Institute))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"files": {"run": name_of(0xC001)}}, "which it has not"),
        ({"analyses": {"file": "f" * 64}}, "which it has not"),
        ({"analyses": {"stage": "iv"}}, "which it has not"),
        ({"analyses": {"made_at": "2026-02-30T00:00:00+00:00"}}, "is no moment"),
        ({"files": {"added_at": "2026-13-01T00:00:00+00:00"}}, "is no moment"),
        ({"files": {"added_at": "yesterday"}}, "not as it must be, at files/0/added_at"),
        ({"analyses": {"facts": None}}, "not as it must be, at analyses/0/facts"),
    ],
)
def test_results_that_contradict_themselves_are_refused_whole(
    partner: Partner, change: dict[str, dict[str, Any]], named: str
) -> None:
    results = partner.measured(1, {1: [70.0]})
    for part, facts in change.items():
        results[part][0] |= facts
    with pytest.raises(BundleRefused, match=named):
        partner.sends([partner.device(1)], values={1: [70.0]}, results=results)
    assert not Device.objects.exists()


def test_a_thing_that_stands_twice_is_refused(partner: Partner) -> None:
    with pytest.raises(BundleRefused, match="it has something twice"):
        partner.sends([partner.device(1), partner.device(1, serial="GX-9")])
    with pytest.raises(BundleRefused, match="it has something twice"):
        partner.sends([partner.device(1)], shipments=[partner.shipment(1, [1])] * 2)


def line(uuid: str = name_of(0xF001), name: str = "Santiago") -> tuple[str, str]:
    """A partner's card, and its fingerprint."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    return f"{CARD} {uuid} {public} {name}", fingerprint(public)


def fields(error: pytest.ExceptionInfo[KeyRefused]) -> list[str]:
    return [fault.field for fault in error.value.faults]


def test_a_partner_is_called_as_its_card_says_or_as_we_say() -> None:
    text, told = line()
    key = register_key(text, told)
    assert (key.installation.name, str(key.installation.uuid)) == ("Santiago", name_of(0xF001))
    more, told = line(name="Santiago de Chile")
    assert register_key(more, told, name="  USM ").installation.name == "USM"
    assert Installation.objects.filter(uuid=name_of(0xF001)).count() == 1
    assert Key.objects.count() == 2


def test_all_that_is_wrong_with_a_card_is_said_beside_its_field(tmp_path: Path) -> None:
    text, told = line(name="")
    with pytest.raises(KeyRefused) as error:
        register_key(text, told[::-1])
    assert fields(error) == ["told", "name"]
    own, told = line(str(ours().uuid))
    with pytest.raises(KeyRefused) as error:
        register_key(own, told)
    assert fields(error) == ["line"]
    assert "your own line" in str(error.value)
    for wrong in ("", "mppcqa-key", text.replace(CARD, "ssh-rsa"), text.replace(" 0000f001", " x"),
                  " ".join([*text.split()[:2], "zz" * 32])):  # fmt: skip
        with pytest.raises(KeyRefused, match=f"begins with {CARD}"):
            register_key(wrong, told)
    assert not Key.objects.exists()


def test_a_key_is_revoked_once_and_with_a_reason() -> None:
    key = register_key(*line())
    with pytest.raises(KeyRefused, match="Say why"):
        revoke_key(key, "  ")
    revoke_key(key, " stolen ")
    key.refresh_from_db()
    assert key.revoked_why == "stolen"
    first = key.revoked_at
    with pytest.raises(KeyRefused, match="revoked already"):
        revoke_key(key, "again")
    key.refresh_from_db()
    assert (key.revoked_at, key.revoked_why) == (first, "stolen")


def test_our_own_name_is_bare_short_and_never_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused) as error:
        rename_ours("   ")
    assert fields(error) == ["name"]
    assert rename_ours("  Jefferson \n Lab ").name == "Jefferson Lab"
    assert len(rename_ours("x" * 300).name) == 100
    rename_ours("Jefferson Lab")
    with at_home(tmp_path):
        words = card().split(" ", 3)
        assert (words[0], words[1], words[3]) == (CARD, str(ours().uuid), "Jefferson Lab")
        assert card() == " ".join(words), "the same key each time"
