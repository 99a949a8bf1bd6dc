"""Every change of every covered row is entered, however it was sent."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from mppcqa.audit.covered import HIDDEN, LEFT_OUT, UNHEEDED, covered_models
from mppcqa.audit.models import Entry, Waiting
from mppcqa.audit.source import Source, acting, because
from mppcqa.audit.triggers import NAME, faults_of_triggers, make_triggers
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Comment, Device, DeviceType, Maker

pytestmark = pytest.mark.django_db
REFUSED = r"never changed|neither changed"


def entries(table: str, **wanted: Any) -> list[Waiting]:
    return list(Waiting.objects.filter(table=table, **wanted).order_by("pk"))


def last(table: str) -> Waiting:
    return entries(table)[-1]


def test_each_table_is_covered_or_named_with_a_reason() -> None:
    labels = {
        one._meta.label for one in apps.get_models(include_auto_created=True) if one._meta.managed
    }
    covered = {one._meta.label for one in covered_models()}
    assert covered | LEFT_OUT.keys() == labels
    assert not covered & LEFT_OUT.keys()
    for named in (UNHEEDED, HIDDEN):
        for label, columns in named.items():
            there = {field.column for field in apps.get_model(label)._meta.concrete_fields}
            assert columns <= there, label


@pytest.mark.django_db(transaction=True)
def test_the_database_has_each_trigger_as_the_models_want_it() -> None:
    assert faults_of_triggers() == []
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {NAME}inventory_maker_u")
    assert faults_of_triggers() == [f"the trigger {NAME}inventory_maker_u is missing"]
    assert make_triggers() == 1
    assert faults_of_triggers() == []


def test_a_row_is_entered_with_who_where_and_why() -> None:
    with acting(Source(7, "rosa", "10.0.0.1 POST /makers/")), because("moved to Turin"):
        maker = Maker.objects.create(name="Ötzi's")
        Maker.objects.filter(pk=maker.pk).update(name="ötzi's")
        row = str(maker.pk)
        maker.delete()
    made, changed, gone = entries("inventory_maker", row=row)
    assert [made.action, changed.action, gone.action] == ["I", "U", "D"]
    assert json.loads(made.source or "") == {
        "who": 7, "name": "rosa", "where": "10.0.0.1 POST /makers/", "why": "moved to Turin",
    }  # fmt: skip
    assert json.loads(made.after or "")["name"] == "Ötzi's"
    assert made.before is None
    # A letter's case alone, which a collation would not see, and nothing that did not change.
    assert (json.loads(changed.before or ""), json.loads(changed.after or "")) == (
        {"name": "Ötzi's"}, {"name": "ötzi's"},
    )  # fmt: skip
    assert json.loads(gone.before or "")["name"] == "ötzi's"
    assert gone.after is None


def test_statements_of_many_rows_are_entered_row_by_row() -> None:
    DeviceType.objects.create(name="quad", rows=2, columns=2)
    register_devices([{"serial": f"A-{i}", "device_type": "quad"} for i in range(30)])
    assert len(entries("inventory_device", action="I")) == 30
    Device.objects.update(maker_serial="seen")
    rows = list(Device.objects.all())
    for row in rows:
        row.maker_serial = f"seen {row.serial}"
    Device.objects.bulk_update(rows, ["maker_serial"])
    changed = entries("inventory_device", action="U")
    assert len(changed) == 60
    assert json.loads(changed[-1].after or "") == {"maker_serial": "seen A-29"}
    Device.objects.update(maker_serial="seen")
    Device.objects.update(maker_serial="seen")
    assert len(entries("inventory_device", action="U")) == 90, "what changes nothing is no change"


def test_relations_of_many_to_many_are_entered(operator: User) -> None:
    operator.groups.add(Group.objects.get(name="manager"))
    found = last("auth_user_groups")
    assert json.loads(found.after or "")["user_id"] == str(operator.pk)


def test_what_is_undone_is_not_entered_and_what_follows_has_its_source() -> None:
    with acting(Source(3, "ada")):
        with transaction.atomic():
            Maker.objects.create(name="never")
            transaction.set_rollback(True)
        Maker.objects.create(name="stays")
    (found,) = entries("inventory_maker")
    assert json.loads(found.source or "")["name"] == "ada"
    assert json.loads(found.after or "")["name"] == "stays"


def test_passwords_are_told_as_changed_and_never_shown(operator: User) -> None:
    operator.set_password("another-long-word-5")
    operator.save()
    told = last("auth_user")
    assert json.loads(told.after or "")["password"] == "***"
    for one in Waiting.objects.filter(table="auth_user"):
        assert operator.password not in f"{one.before}{one.after}"
        assert "pbkdf2" not in f"{one.before}{one.after}"


@pytest.mark.django_db(transaction=True)
def test_a_change_past_the_program_has_no_source() -> None:
    maker = Maker.objects.create(name="Hamamatsu")
    other: Any
    if connection.vendor == "sqlite":
        other = sqlite3.connect(connection.settings_dict["NAME"])
        other.execute("UPDATE inventory_maker SET name = 'forged'")
    else:
        import MySQLdb
        from django.db import connections

        values = connections["default"].get_connection_params()
        values.pop("init_command", None)
        other = MySQLdb.connect(
            **{name: values[name] for name in ("user", "passwd", "password", "host", "port")
               if name in values}, database=values.get("db") or values.get("database"),
        )  # fmt: skip
        other.cursor().execute("UPDATE inventory_maker SET name = 'forged'")
    other.commit()
    other.close()
    forged = last("inventory_maker")
    assert forged.source is None
    assert json.loads(forged.after or "") == {"name": "forged"}
    Maker.objects.filter(pk=maker.pk).update(name="mended")
    assert last("inventory_maker").source is not None


def test_a_request_is_told_by_person_address_and_reason(
    client: Client, operator: User, campaign: Any
) -> None:
    client.force_login(operator)
    serial = campaign.devices[0].serial
    client.post(f"/devices/{serial}/comment/", {"text": "a scratch", "why": "seen by eye"})
    assert Comment.objects.filter(text="a scratch").exists()
    told = json.loads(last("inventory_comment").source or "")
    assert told == {
        "who": operator.pk,
        "name": "rosa",
        "where": f"127.0.0.1 POST /devices/{serial}/comment/",
        "why": "seen by eye",
    }


def test_what_is_sealed_or_waits_refuses_to_be_changed() -> None:
    from mppcqa.audit.chain import seal

    Maker.objects.create(name="one")
    seal()
    Maker.objects.create(name="two")
    for model in (Entry, Waiting):
        for sql in ("UPDATE {} SET source = ''", "DELETE FROM {}"):
            with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
                connection.cursor().execute(sql.format(model._meta.db_table))
