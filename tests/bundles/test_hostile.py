"""Bundles that are cut, altered, forged, newer or contradictory: told, and nothing changes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mppcqa.bundles import envelope
from mppcqa.bundles.envelope import MANIFEST, Writer, as_json, opened
from mppcqa.bundles.keys import KeyRefused, key_path, our_key, ours, register_key
from mppcqa.bundles.models import Bundle, Installation, Key
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.taking import arrive, take
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.keyfile import fingerprint
from tests.bundles.elsewhere import Sent, at_home, sent
from tests.thoroughness import tries

pytestmark = pytest.mark.django_db
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def came(tmp_path: Path) -> Sent:
    """A bundle from a partner whose key is registered."""
    found = sent(tmp_path / "there", devices=2)
    found.trust()
    return found


def refused(data: bytes) -> str:
    """Why a file is not taken; nothing of it is kept."""
    with pytest.raises(BundleRefused) as error:
        arrive(io.BytesIO(data))
    assert not Bundle.objects.exists()
    assert not Device.objects.exists()
    return str(error.value)


def test_one_that_is_cut_says_so(came: Sent) -> None:
    for tenth in range(10):
        why = refused(came.data[: len(came.data) * tenth // 10])
        assert "cut off" in why
    assert "cut off" in refused(came.data[:-1])
    assert "cut off" in refused(came.data + b"\0")


def test_no_byte_can_be_changed(came: Sent) -> None:
    @settings(max_examples=tries(150, 3000), suppress_health_check=SLOW, deadline=None)
    @given(st.integers(0, len(came.data) - 1), st.integers(1, 255))
    def flip(place: int, bits: int) -> None:
        altered = bytearray(came.data)
        altered[place] ^= bits
        why = refused(bytes(altered))
        assert any(word in why for word in ("changed", "not registered"))

    flip()
    # And the places where a structure is: the beginning, the directory, the signature.
    for place in (*range(0, 60), *range(len(came.data) - 260, len(came.data))):
        altered = bytearray(came.data)
        altered[place] ^= 1
        refused(bytes(altered))


def test_an_unknown_and_a_revoked_key_are_told(tmp_path: Path) -> None:
    from mppcqa.bundles.keys import revoke_key

    stranger = sent(tmp_path / "stranger", devices=2)
    assert "not registered" in refused(stranger.data)
    key = stranger.trust()
    revoke_key(key, "the computer was stolen")
    why = refused(stranger.data)
    assert "revoked" in why
    assert "the computer was stolen" in why
    with pytest.raises(KeyRefused, match="was revoked"):
        stranger.trust()


def test_a_key_is_registered_by_the_fingerprint_that_was_read_out(tmp_path: Path) -> None:
    stranger = sent(tmp_path / "stranger", devices=2)
    wrong = fingerprint("00" * 32)
    for line, told in (
        (stranger.card, wrong),
        (stranger.card, ""),
        (stranger.card[:-60], stranger.fingerprint),
        ("mppcqa-key x y", stranger.fingerprint),
        ("", ""),
    ):
        with pytest.raises(KeyRefused):
            register_key(line, told)
    assert not Key.objects.exists()
    register_key(f"  {stranger.card} ", stranger.fingerprint.upper().replace(" ", "-"))
    with pytest.raises(KeyRefused, match="registered already"):
        stranger.trust()


def test_the_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    with at_home(tmp_path / "home"):
        key = our_key()
        assert key_path().stat().st_mode & 0o077 == 0
        assert key_path().parent.stat().st_mode & 0o077 == 0
        assert our_key().private_bytes_raw() == key.private_bytes_raw()
    # Another computer of the same database makes no second one unasked.
    with at_home(tmp_path / "other"), pytest.raises(KeyRefused, match="not on this computer"):
        our_key()


@pytest.fixture
def forger(tmp_path: Path) -> Callable[..., bytes]:
    """Makes files that a registered partner signed, but that are not as they must be."""
    key = Ed25519PrivateKey.generate()
    partner = Installation.objects.create(name="Forger")
    public = key.public_key().public_bytes_raw().hex()
    Key.objects.create(installation=partner, public=public)
    manifest: dict[str, Any] = {
        "bundle": "01890000-0000-7000-8000-000000000001",
        "number": 1,
        "sender": {"installation": str(partner.uuid), "name": "Forger"},
        "installations": {},
        "made_at": "2026-01-01T00:00:00+00:00",
        "mppcqa": "9.9",
        "shipment": "01890000-0000-7000-8000-000000000002",
        "counts": {},
    }

    def forge(change: Callable[[Writer], Any] = lambda _writer: None, **facts: Any) -> bytes:
        path = tmp_path / "forged"
        writer = Writer(path)
        change(writer)
        writer.finish(manifest | facts, key)
        return path.read_bytes()

    return forge


def raw(name: str, data: bytes = b"x", **how: Any) -> Callable[[Writer], None]:
    """An entry past the writer's own rules."""

    def add(writer: Writer) -> None:
        info = zipfile.ZipInfo(name)
        for key, value in how.items():
            setattr(info, key, value)
        writer._zip.writestr(info, data, compress_type=how.get("compress_type"))

    return add


def test_what_a_partner_signed_is_checked_all_the_same(
    forger: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(writer: Writer) -> None:
        writer.add_bytes("inventory.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            raw("inventory.json")(writer)

    def lies(writer: Writer) -> None:
        writer.add_bytes("inventory.json", b"{}")
        writer.contents[0]["sha256"] = "0" * 64

    cases: list[tuple[Callable[[Writer], Any], str]] = [
        (raw("../../etc/passwd"), "no entry"),
        (raw("/etc/passwd"), "no entry"),
        (raw("a\\b.json"), "no entry"),
        (raw("runs/" + "a" * 300 + ".root"), "no entry"),
        (raw("inventory.json", external_attr=0o120777 << 16), "no entry"),
        (raw("values.parquet", b"\0" * 9_000_000, compress_type=zipfile.ZIP_DEFLATED), "more in"),
        (raw("extra.json"), "names others"),
        (twice, "twice"),
        (lies, "not what its list"),
    ]
    for change, why in cases:
        assert why in refused(forger(change)), why
    assert "is no zip file" in refused(_signed(forger, b"no zip at all"))
    assert "no inventory.json" in _taken(forger())
    assert "another installation" in refused(
        forger(sender={"installation": str(ours().uuid), "name": "x"})
    )
    assert "not as it must be" in refused(forger(number="one"))
    monkeypatch.setattr(envelope, "VERSION", 2)
    newer = forger()
    monkeypatch.setattr(envelope, "VERSION", 1)
    told = refused(newer)
    assert "format 2" in told
    assert "9.9" in told


def _taken(data: bytes) -> str:
    with pytest.raises(BundleRefused) as error:
        take(arrive(io.BytesIO(data)))
    Bundle.objects.all().delete()
    return str(error.value)


def _signed(forger: Callable[..., bytes], body: bytes) -> bytes:
    """Other bytes than a zip, rightly signed by the key of `forger`."""
    import hashlib

    made = forger()
    cells = forger.__closure__ or ()
    key = next(c.cell_contents for c in cells if isinstance(c.cell_contents, Ed25519PrivateKey))
    signature = key.sign(envelope.SIGNED + hashlib.sha256(body).digest()).hex().encode()
    return body + made[-envelope.TAIL : -128] + signature


def documents(came: Sent, folder: Path) -> dict[str, Any]:
    """The JSON of a bundle."""
    path = folder / "whole"
    path.write_bytes(came.data)
    with opened(path) as found:
        return {name: found.document(name) for name in found.names if name.endswith(".json")}


SIGNED_NEVER = {
    "uuid": "01890000-0000-7000-8000-000000000003",
    "act": "sign_off",
    "of": "01890000-0000-7000-8000-000000000004",
    "named": "x",
    "meaning": {},
    "signatures": [{"name": "x", "at": "2026-99-99T99:99:99+00:00", "method": "password"}],
    "done_at": "2026-01-01T00:00:00+00:00",
}
"""Its page could not be shown."""


@pytest.mark.parametrize(
    ("where", "change", "why"),
    [
        ("inventory.json", lambda d: d["devices"][0].update(type="no such"), "contradicts"),
        ("inventory.json", lambda d: d["devices"][0].update(lot=99), "contradicts"),
        ("inventory.json", lambda d: d["devices"].append(d["devices"][0]), "twice"),
        ("inventory.json", lambda d: d["devices"][0].update(serial="a b"), "not as it must"),
        (
            "inventory.json",
            lambda d: d["devices"][0].update(registered_at="2026-13-45T00:00:00+00:00"),
            "no moment",
        ),
        ("results.json", lambda d: d["analyses"][0].update(file="f" * 64), "contradicts"),
        ("results.json", lambda d: d["conditions"].clear(), "name a condition"),
        ("results.json", lambda d: d["quantities"].clear(), "name a quantity"),
        ("verdicts.json", lambda d: d["verdicts"][0].update(outcome="fine"), "not as it must"),
        ("verdicts.json", lambda d: d.update(signed=[SIGNED_NEVER]), "no moment"),
    ],
)
def test_documents_that_contradict_themselves(
    forger: Callable[..., bytes], tmp_path: Path, where: str, change: Any, why: str
) -> None:
    found = sent(tmp_path / "there", devices=2)
    found.trust()
    path = tmp_path / "whole"
    path.write_bytes(found.data)
    with opened(path) as whole:
        entries = {name: whole.archive.read(name) for name in sorted(whole.names)}
    document = json.loads(entries[where])
    change(document)
    entries[where] = as_json(document)

    def fill(writer: Writer) -> None:
        for name, data in entries.items():
            writer.add_bytes(name, data)

    assert why in _taken(forger(fill))
    assert not Device.objects.exists()


def test_a_type_with_other_channels_is_refused(came: Sent) -> None:
    DeviceType.objects.create(name="S12045(X)", rows=8, columns=8)
    row = came.arrive()
    with pytest.raises(BundleRefused, match="8 × 8 channels here and 4 × 4 there"):
        take(row)
    assert not Device.objects.exists()


def test_a_full_disk_leaves_nothing(came: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mppcqa.store.storage.WholeFiles._save", full)
        with pytest.raises(OSError, match="No space"):
            came.arrive()
    assert not Bundle.objects.exists()
    take(came.arrive())
    assert Device.objects.count() == 2


def test_a_manifest_is_the_last_entry(came: Sent, tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(came.data)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[-1] == MANIFEST
        assert archive.testzip() is None
