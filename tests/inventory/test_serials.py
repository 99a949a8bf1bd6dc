"""Serial numbers: how they are written, checked, generated and given up for another."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.inventory.models import Device, DeviceType, SerialAlias
from mppcqa.inventory.naming import MOST_GENERATED, NamingRefused, next_serials, rename_device
from mppcqa.inventory.serials import (
    ALPHABET,
    SERIAL_LENGTH,
    fits,
    normal_serial,
    serial_faults,
    with_check,
)


def rules(pattern: str = "", check: str = "") -> DeviceType:
    return DeviceType(name="S1", serial_pattern=pattern, serial_check=check)


def test_a_serial_is_written_in_one_way() -> None:
    assert [normal_serial(one) for one in (" gx-1 ", "GX-1\n", 17, None, "ñ1")] == [
        "GX-1", "GX-1", "17", "", "Ñ1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("serial", "fault"),
    [
        ("", "is empty"), ("A" * (SERIAL_LENGTH + 1), "more than 64"), ("A B", "letters, digits"),
        ("-A", "letters, digits"), ("Ñ1", "letters, digits"), ("A/1", "letters, digits"),
        (".START", "letters, digits"), ("A\n", "letters, digits"),
    ],
)  # fmt: skip
def test_what_no_label_could_carry_is_refused(serial: str, fault: str) -> None:
    (found,) = serial_faults(serial)
    assert fault in found


def test_what_a_label_can_carry_is_taken() -> None:
    for serial in ("A", "0", "A._:+-9", "A" * SERIAL_LENGTH):
        assert serial_faults(serial) == []
        assert serial_faults(serial, rules()) == []


def test_a_type_says_how_its_serials_look() -> None:
    assert serial_faults("GX-001", rules("GX-[0-9]{3}")) == []
    for odd in ("GX-01", "AGX-001", "GX-0011"):
        (fault,) = serial_faults(odd, rules("GX-[0-9]{3}"))
        assert "does not look like those of S1" in fault
    assert fits("GX-1", "gx-1|xy")
    assert not fits("XYZ", "gx-1|xy")
    (fault,) = serial_faults("GX-001", rules("GX-("))
    assert "can't be read" in fault


# The published examples: ISO/IEC 7812-1 (7992739871), ISIN US037833100 without its letters.
@pytest.mark.parametrize(("body", "check"), [("7992739871", "3"), ("0", "0"), ("1", "8")])
def test_luhns_check_digit(body: str, check: str) -> None:
    assert with_check(body, "mod10") == body + check
    assert serial_faults(body + check, rules(check="mod10")) == []


@given(st.text("0123456789", min_size=2, max_size=12), st.data())
def test_a_wrong_digit_and_two_swapped_ones_are_noticed(body: str, data: st.DataObject) -> None:
    whole = with_check(body, "mod10")
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([one for one in "0123456789" if one != whole[place]]))
    wrong = whole[:place] + other + whole[place + 1 :]
    assert serial_faults(wrong, rules(check="mod10")) != []
    at = data.draw(st.integers(0, len(whole) - 2))
    a, b = whole[at : at + 2]
    if a != b and {a, b} != {"0", "9"}:  # the one pair that Luhn's sum does not tell apart
        swapped = whole[:at] + b + a + whole[at + 2 :]
        assert serial_faults(swapped, rules(check="mod10")) != []


@given(st.text(ALPHABET, min_size=1, max_size=12), st.data())
def test_letters_are_checked_too_where_the_type_says_so(body: str, data: st.DataObject) -> None:
    whole = with_check(body, "mod36")
    assert serial_faults(whole, rules(check="mod36")) == []
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([one for one in ALPHABET if one != whole[place]]))
    wrong = whole[:place] + other + whole[place + 1 :]
    assert "does not fit" in serial_faults(wrong, rules(check="mod36"))[0]
    assert with_check(body, "") == body


def test_dashes_carry_no_weight_and_a_check_alone_is_no_serial() -> None:
    assert with_check("799-273.9871", "mod10")[-1] == with_check("7992739871", "mod10")[-1]
    assert serial_faults("0", rules(check="mod10")) != []


@pytest.mark.django_db
def test_generated_serials_have_their_digits_and_check_and_leave_out_what_is_taken() -> None:
    kind = DeviceType.objects.create(name="S2", serial_next="B-{number:04d}", serial_check="mod10")
    assert next_serials(kind, 2) == [with_check("B-0001", "mod10"), with_check("B-0002", "mod10")]
    Device.objects.create(serial=with_check("B-0007", "mod10"), device_type=kind)
    assert next_serials(kind, 1) == [with_check("B-0008", "mod10")]
    other = Device.objects.create(serial="OTHER", device_type=kind)
    SerialAlias.objects.create(serial=with_check("B-0008", "mod10"), device=other)
    assert next_serials(kind, 1) == [with_check("B-0009", "mod10")]
    for count in (0, MOST_GENERATED + 1):
        with pytest.raises(NamingRefused, match="1 to 10000"):
            next_serials(kind, count)
    bare = DeviceType.objects.create(name="S3")
    with pytest.raises(NamingRefused, match="no format"):
        next_serials(bare, 1)
    clash = DeviceType.objects.create(name="S4", serial_next="C{number}", serial_pattern="D.*")
    with pytest.raises(NamingRefused, match="do not fit"):
        next_serials(clash, 1)


def test_a_new_name_needs_a_reason_and_must_be_free(
    campaign: SimpleNamespace, operator: User
) -> None:
    one, other = campaign.devices[:2]
    for serial, reason, told in (
        ("GX-500", "  ", "say why"), ("GX-001", "x", "registered already"),
        ("gx-000", "x", "already"), ("A B", "x", "letters, digits"),
    ):  # fmt: skip
        with pytest.raises(NamingRefused, match=told):
            rename_device(one, serial, reason=reason, by=operator)
    rename_device(one, "gx-500", reason="a label that came off", by=operator)
    alias = SerialAlias.objects.get()
    assert (alias.serial, alias.device, alias.changed_by) == ("GX-000", one, operator)
    with pytest.raises(NamingRefused, match="belonged to a device that was renamed"):
        rename_device(other, "GX-000", reason="x", by=operator)
    rename_device(one, "GX-000", reason="it was right", by=operator)
    assert list(SerialAlias.objects.values_list("serial", flat=True)) == ["GX-500"]
    one.refresh_from_db()
    assert one.serial == "GX-000"
