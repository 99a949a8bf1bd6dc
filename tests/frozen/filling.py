"""What a frozen database holds: ``python -m tests.frozen.filling FILE FILES``, on an empty one.

A campaign as the tests have it, by the actions that people use, and one of everything that an
address may name. In each table that is empty then stands one row more, of any content its columns
take: a later migration meets a row everywhere.
"""

from __future__ import annotations

import datetime as dt
import sys
import tarfile
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.translation import override  # noqa: E402

from mppcqa.audit.chain import seal  # noqa: E402
from mppcqa.inventory.models import Attachment, Comment, Device, Tag  # noqa: E402
from mppcqa.limits.decisions import grant_waiver  # noqa: E402
from mppcqa.limits.models import Verdict  # noqa: E402
from mppcqa.limits.records import NewRecord, add_records, follow  # noqa: E402
from mppcqa.people.actions import invite  # noqa: E402
from mppcqa.people.person_tokens import make_token  # noqa: E402
from mppcqa.people.roles import ROLES  # noqa: E402
from mppcqa.runs.actions import load_station  # noqa: E402
from mppcqa.store.keeping import keeping  # noqa: E402
from tests.campaign import make_campaign  # noqa: E402
from tests.frozen.keeping import statements, write  # noqa: E402
from tests.pens import pen_of  # noqa: E402
from tests.web.test_typed import one_of_everything  # noqa: E402

KEPT_EMPTY = {
    "audit_entry": "it is the chain, which is sealed at the end",
    "audit_waiting": "all is sealed",
    "django_session": "nobody is logged in",
    "store_storedfault": "no file is damaged",
    "web_shared_cache": "forgotten at every start",
    "django_celery_beat_solarschedule": "not used",
    "django_celery_beat_clockedschedule": "not used",
}


def fill() -> None:
    """Everything, in the empty database of this process."""
    call_command("migrate", verbosity=0, interactive=False)
    rosa = User.objects.create_superuser("rosa", email="rosa@example.org")
    campaign = make_campaign(rosa)
    load_station(campaign.stations[1], {1: campaign.devices[0].serial}, by=rosa)
    one_of_everything(campaign, campaign.stations[1], rosa)
    decide(campaign.devices, rosa)
    Attachment.objects.update(**a_file(Attachment))
    for model in apps.get_models():
        if model._meta.db_table not in KEPT_EMPTY and not model._default_manager.exists():
            with transaction.atomic():
                model._default_manager.bulk_create([any_row(model)])
    while seal():
        pass


def decide(devices: list[Device], rosa: User) -> None:
    """What people decide and write, with letters of every kind."""
    device = devices[0]
    Comment.objects.create(
        device=device, text="line\nline 'two'; -- %s \\ \N{SLIGHTLY SMILING FACE}"
    )
    device.tags.add(Tag.objects.create(name="ñ → €"))
    when = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    add_records(
        [NewRecord("irradiation", when, {"particle": "n", "dose_gy": 1.5}, 0.1, "ñ", [device.pk])]
    )
    follow([device.pk])
    verdict = Verdict.objects.filter(device=devices[1]).latest("pk")
    grant_waiver(verdict, "the limit is tight", by=pen_of())
    guest = invite("ana", ROLES["analyst"], by=rosa)
    make_token(guest, 30, writes=True, by=rosa)


def a_file(model: type[models.Model]) -> dict[str, Any]:
    """Columns of a file that is kept, if rows of this table name one."""
    found: dict[str, Any] = {}
    there = {one.name for one in model._meta.fields}
    for one in model._meta.fields:
        if isinstance(one, models.FileField):
            content = BytesIO(b"kept with the frozen database")
            with keeping(content, "frozen", ".txt", storage=one.storage) as kept:
                found[one.name] = kept.name
                about = {"sha256": kept.sha256, "size": kept.size}
            found |= {name: value for name, value in about.items() if name in there}
    return found


def any_row(model: type[models.Model]) -> models.Model:
    """A row that the columns of a table take."""
    values = {
        one.attname: any_value(one)
        for one in model._meta.concrete_fields
        if not isinstance(one, models.AutoField)
    }
    return model(**{**values, **a_file(model)})


def any_value(field: Any) -> Any:
    """Its default, a reference to a row that there is, or something of its type."""
    if field.is_relation:
        other = field.related_model._default_manager.first()
        return getattr(other, field.target_field.attname, None)
    if field.has_default() and (value := field.get_default()) not in ("", None):
        return value
    if field.choices:
        return next(key for key, _title in field.flatchoices if key != "")
    kinds: list[tuple[type[models.Field[Any, Any]], Any]] = [
        (models.UUIDField, uuid.UUID(int=1)),
        (models.DateTimeField, timezone.now()),
        (models.DateField, timezone.now().date()),
        (models.DurationField, dt.timedelta(1)),
        (models.BooleanField, True),
        (models.JSONField, {}),
        (models.BinaryField, b"\0\xff'\\"),
        (models.FloatField, 0.1),
        (models.IntegerField, 1),
    ]
    for kind, value in kinds:
        if isinstance(field, kind):
            return value
    return "x"


def main(database: str, files: str) -> None:
    """Fill, and write what came of it."""
    with override("en"):
        fill()
    write(Path(database), statements())
    with tarfile.open(files, "w:xz") as tar:
        for name in ("files", "exports", "imports"):
            tar.add(settings.MPPCQA_HOME / name, name, filter=_plain)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever made it, and when, is not kept."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


if __name__ == "__main__":
    main(*sys.argv[1:])
