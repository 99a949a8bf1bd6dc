"""What people type, scan and write, read in one way or refused: numbers, days, codes, marks."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.codes import CodeRefused, Kind, other_readings, read, scanned_serial
from mppcqa.digits import number as told
from mppcqa.home import close_to_others, open_to_others, secret_key, served_at
from mppcqa.keyfile import (
    fingerprint,
    is_fingerprint,
    is_signed,
    make_key,
    public_of,
    read_key,
)
from mppcqa.markup import blocks, pictures_of
from mppcqa.reach import Reach, reach
from mppcqa.typed import (
    MOST_DEPTH,
    MOST_JSON,
    MOST_WHOLE,
    NotReadable,
    comma_between_digits,
    day,
    json_document,
    moment,
    number,
    numbers,
    whole,
)

UTC = dt.UTC


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), (" +7 ", 7), (7, 7), ("0", 0), (str(MOST_WHOLE), MOST_WHOLE),
        (str(MOST_WHOLE + 1), None), ("-1", None), ("1.0", None), ("1_000", None), ("²", None),
        ("", None), (None, None), ("9" * 5000, None), ("٣", None), ("1e3", None), ("0x10", None),
    ],
)  # fmt: skip
def test_a_whole_number_within_bounds(text: object, value: int | None) -> None:
    assert whole(text) == value


def test_bounds_of_whole_numbers_are_those_that_were_asked_for() -> None:
    assert [whole(text, -2, 2) for text in ("-3", "-2", "2", "3")] == [None, -2, 2, None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5), ("1,5", 1.5), (".5", 0.5), (",5", 0.5), ("5.", 5.0), ("-2", -2.0),
        ("−2", -2.0), ("1e3", 1000.0), ("1,5E-3", 0.0015), (0, 0.0), ("1e400", None),
        ("nan", None), ("inf", None), ("1_0", None), ("1,000.5", None), ("", None), (None, None),
        ("1 000", None), ("--1", None), ("½", None), (".", None),
    ],
)  # fmt: skip
def test_a_finite_number_with_a_point_or_a_comma(text: object, value: float | None) -> None:
    assert number(text) == value


def test_lists_of_numbers_say_what_of_them_cannot_be_read() -> None:
    assert numbers("1 2;3\n4, 5 ; ") == [1, 2, 3, 4, 5]
    assert numbers(None) == numbers("  ,; ") == []
    for text, key, part in (("1 5,10", "comma", "5,10"), ("1 x 2", "number", "x")):
        with pytest.raises(NotReadable) as refused:
            numbers(text)
        assert (refused.value.key, refused.value.part) == (key, part)
    assert comma_between_digits("5,10")
    assert not comma_between_digits("5, 10")
    assert not comma_between_digits(None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_as_a_number_is_read_again(value: float) -> None:
    assert number(f"{value:.17g}") == value
    assert number(f"{value:.6e}".replace(".", ",")) == float(f"{value:.6e}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2027-03-31", dt.date(2027, 3, 31)), (" 2028-02-29 ", dt.date(2028, 2, 29)),
        ("2027-02-29", None), ("2027-3-1", None), ("31.3.2027", None), ("20270331", None),
        ("0000-01-01", None), ("", None), (None, None), ("2027-W13-1", None),
    ],
)  # fmt: skip
def test_a_day_that_the_calendar_has(text: object, value: dt.date | None) -> None:
    assert day(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2027-03-31", dt.datetime(2027, 3, 31, tzinfo=UTC)),
        ("2027-03-31 14:30", dt.datetime(2027, 3, 31, 14, 30, tzinfo=UTC)),
        ("2027-03-31T14:30:05.5Z", dt.datetime(2027, 3, 31, 14, 30, 5, 500000, tzinfo=UTC)),
        ("2027-03-31 14:30 UTC", dt.datetime(2027, 3, 31, 14, 30, tzinfo=UTC)),
        ("2027-03-31 00:30+02:00", dt.datetime(2027, 3, 30, 22, 30, tzinfo=UTC)),
        ("2027-03-31 14:30-0330", dt.datetime(2027, 3, 31, 18, 0, tzinfo=UTC)),
        ("2027-03-31 24:30", None), ("2027-03-31 14", None), ("14:30", None), ("", None),
        (None, None), ("0001-01-01 00:00+14:00", None), ("2027-03-31 14:30+25:00", None),
    ],
)  # fmt: skip
def test_a_moment_is_in_utc_unless_it_says_otherwise(
    text: object, value: dt.datetime | None
) -> None:
    assert moment(text) == value


def test_json_is_what_every_database_and_browser_takes() -> None:
    assert json_document('{"a": [1, 2.5, "x", true, null]}') == {"a": [1, 2.5, "x", True, None]}
    assert json_document(str(2**53)) == 2**53
    assert json_document("-9007199254740992") == -(2**53)
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert json_document(deep) is not None
    for text, key in (
        ("{", "json"), ("nan", "json"), ("NaN", "number"), ("-Infinity", "number"),
        ("1e400", "number"), (str(2**53 + 1), "number"), ("9" * 30, "number"),
        ("0." + "1" * 200, "number"), (f"[{deep}]", "deep"), (" " * (MOST_JSON + 1), "long"),
        (json.dumps("a\0b"), "text"), (json.dumps({"a\0": 1}), "text"), ('["\\ud800"]', "text"),
        ('{"a": [{"b": "\\udfff"}]}', "text"),
    ):  # fmt: skip
        with pytest.raises(NotReadable) as refused:
            json_document(text)
        assert refused.value.key == key, text[:40]


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("gx-001 ", Kind.DEVICE, "GX-001"),
        ("https://qa.example.org/devices/GX-001/", Kind.DEVICE, "GX-001"),
        ("HTTPS://QA.EXAMPLE.ORG/DEVICES/GX-001/", Kind.DEVICE, "GX-001"),
        ("qa.example.org/devices/gx-001/", Kind.DEVICE, "GX-001"),
        ("http://x/trays/T%201/", Kind.TRAY, "T 1"),
        ("http://x/stations/pde-1/", Kind.STATION, "pde-1"),
        ("http://x/shipments/12/", Kind.BOX, "12"),
        (".tray T-1", Kind.TRAY, "T-1"),
        (".STATION pde-1", Kind.STATION, "pde-1"),
        (".SLOT 3 pde-1", Kind.SLOT, "pde-1"),
        (".BOX 12", Kind.BOX, "12"),
        (".START", Kind.ACTION, "START"),
        (".TO T7", Kind.ACTION, "TO"),
    ],
)
def test_a_code_says_what_it_is_about(text: str, kind: Kind, name: str) -> None:
    found = read(text)
    assert (found.kind, found.name) == (kind, name)
    assert found.plain is (text == "gx-001 ")
    if kind == Kind.SLOT:
        assert found.slot == 3
    if name == "TO":
        assert found.about == "T7"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "x" * 301, "http://a/devices/A/http://a/devices/B/", ".SLOT 3", ".SLOT x pde-1",
     ".SLOT ² pde-1", ".SLOT 123456 pde-1", ".TRAY", ".TO", ".HELLO", ".", "http://x/elsewhere/1/",
     "http://x/devices/", "http://x/devices/register/", "http://[x/devices/", ".BADGE short"],
)  # fmt: skip
def test_what_can_be_no_code_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(CodeRefused, match=r"[Ss]can"):
        read(text)


def test_a_badge_that_was_read_badly_is_never_repeated() -> None:
    with pytest.raises(CodeRefused) as refused:
        read(".BADGE SECRETSECRETSECRET")
    assert "SECRET" not in str(refused.value)


def test_a_scanner_of_another_layout_is_understood() -> None:
    readings = {code.name for code, _layouts in other_readings("GXß001")}
    assert readings == {"GX-001"}
    assert list(other_readings("")) == []
    assert scanned_serial("http://x/devices/gx-7/") == "GX-7"
    assert scanned_serial(".TRAY T-1") == scanned_serial(".tray t-1")
    assert scanned_serial("http://x/nothing/") != ""


@pytest.mark.parametrize(
    ("url", "who"),
    [
        ("https://qa.example.org", Reach.ALL), ("http://8.8.8.8:8000", Reach.ALL),
        ("http://[2001:4860:4860::8888]/", Reach.ALL), ("https://qa.example.org./", Reach.ALL),
        ("http://192.168.1.7", Reach.NETWORK), ("http://10.0.0.1/x", Reach.NETWORK),
        ("http://bench", Reach.NETWORK), ("http://bench.local", Reach.NETWORK),
        ("http://qa.lan:80", Reach.NETWORK), ("http://x.home.arpa", Reach.NETWORK),
        ("http://localhost:8000", Reach.NOBODY), ("http://a.localhost", Reach.NOBODY),
        ("http://127.0.0.1", Reach.NOBODY), ("http://127.1", Reach.NOBODY),
        ("http://2130706433", Reach.NOBODY), ("http://[::1]", Reach.NOBODY),
        ("http://[::ffff:127.0.0.1]", Reach.NOBODY), ("http://0.0.0.0", Reach.NOBODY),
        ("", Reach.NOBODY), ("http://[x", Reach.NOBODY), ("qa.example.org", Reach.NOBODY),
    ],
)  # fmt: skip
def test_who_may_reach_an_address(url: str, who: Reach) -> None:
    assert reach(url) is who


def test_marks_of_a_text_become_pieces() -> None:
    text = (
        "# Load\nopen the **lid**\nslowly\n\nthen wait\n1. one\n2) two\n[picture 3]\n- a\n* b\n"
        "1. three\n## Next\n7. again\n[Imagen 12]\n[picture 3] here\n**"
    )
    found = [(one.kind, one.number, len(one.lines)) for one in blocks(text)]
    assert found == [
        ("heading", 0, 1), ("paragraph", 0, 1), ("paragraph", 0, 1), ("steps", 1, 2),
        ("picture", 3, 0), ("items", 0, 2), ("steps", 3, 1), ("heading", 0, 1), ("steps", 1, 1),
        ("picture", 12, 0), ("paragraph", 0, 1),
    ]  # fmt: skip
    assert blocks(text)[1].lines == [
        [(False, "open the "), (True, "lid"), (False, " "), (False, "slowly")]
    ]
    assert pictures_of(text) == {3, 12}
    assert blocks("") == []


def test_numbers_are_told_to_five_digits_with_a_power_where_they_are_far_off() -> None:
    assert [told(value) for value in (3.0, 51.61312, -7.01234e-05, 1e13, math.inf)] == [
        "3", "51.613", "-7.0123 × 10⁻⁵", "1 × 10¹³", "inf",
    ]  # fmt: skip
    assert told(1.23456789, 3) == "1.23"


def test_a_key_is_its_owners_alone_and_signs_what_it_signed(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    key = read_key(path)
    make_key(path)
    assert public_of(read_key(path)) == public_of(key), "the one that is there stays"
    path.chmod(0o644)
    read_key(path)
    assert path.stat().st_mode & 0o777 == 0o600, "read again, closed again"
    signature = key.sign(b"document")
    public = public_of(key)
    assert is_signed(public, signature, b"document")
    assert not is_signed(public, signature, b"documents")
    assert not is_signed(public, signature[:-1], b"document")
    assert not is_signed("no digits", signature, b"document")
    other = tmp_path / "other"
    make_key(other)
    assert not is_signed(public_of(read_key(other)), signature, b"document")
    path.write_text("broken\n")
    with pytest.raises(ValueError):  # noqa: PT011
        read_key(path)


def test_a_fingerprint_is_compared_however_it_is_spaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key(path)
    public = public_of(read_key(path))
    said = fingerprint(public)
    assert [len(one) for one in said.split(" ")] == [4] * 10
    for typed in (said, said.replace(" ", ""), said.upper(), said.replace(" ", "-"), f" {said} "):
        assert is_fingerprint(typed, public)
    assert not is_fingerprint(said[:-1], public)
    assert not is_fingerprint("", public)


def test_rights_of_others_are_found_and_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "home"
    (folder / "below").mkdir(parents=True)
    inside = folder / "below" / "file"
    inside.write_text("secret")
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    for one, rights in ((inside, 0o640), (folder / "below", 0o755), (folder, 0o755)):
        one.chmod(rights)
    assert set(open_to_others(folder)) == {folder, folder / "below", inside}
    close_to_others(folder)
    said = capsys.readouterr().err
    assert "(055)" in said
    assert "taken from 3 files and folders" in said
    assert list(open_to_others(folder)) == []
    assert outside.stat().st_mode & 0o777 == 0o644, "links are not followed"
    close_to_others(folder, tmp_path / "nothing")
    assert capsys.readouterr().err == ""


def test_a_home_keeps_its_secret_and_says_where_it_is_served(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) > 40
    assert secret_key(tmp_path) == key
    assert served_at(tmp_path) == "http://127.0.0.1:8000"
    (tmp_path / "run.lock").write_text("http://127.0.0.1:8123\n")
    assert served_at(tmp_path) == "http://127.0.0.1:8123"
    (tmp_path / "run.lock").write_bytes(b"\xff\xfe")
    assert served_at(tmp_path) == "http://127.0.0.1:8000"
    (tmp_path / "secret-key").write_text("")
    with pytest.raises(RuntimeError, match="remove it"):
        secret_key(tmp_path)
