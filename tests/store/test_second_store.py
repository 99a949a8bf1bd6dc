"""Old run files go to the second store, are read there as before, and come back by a click."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from mppcqa.exchange.fsck import check_store
from mppcqa.people.roles import make_roles
from mppcqa.queue import submit
from mppcqa.queue.models import State, Task, queue_name
from mppcqa.queue.runner import work
from mppcqa.refused import Refused
from mppcqa.runs.files import save_file
from mppcqa.runs.models import Run, RunFile
from mppcqa.runs.second_store import bytes_a_day, days_left, due, fetch, is_away
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import verify
from tests.web.conftest import browser_client  # noqa: F401

CONTENT = b"raw data of years ago"


@pytest.fixture
def old(
    transactional_db: None, campaign: SimpleNamespace, tmp_path: Path, settings: Any
) -> RunFile:
    """A run file of two years ago; the second store takes those of its stage after a year."""
    settings.MPPCQA_SECOND_STORE = str(tmp_path / "second")
    (tmp_path / "second").mkdir()
    settings.MPPCQA_SECOND_STORE_AFTER = {"pde": 365.0}
    return saved(tmp_path, Run.objects.create(stage="pde"), CONTENT)


def saved(folder: Path, run: Run, content: bytes) -> RunFile:
    source = folder / "source.root"
    source.write_bytes(content)
    row = save_file(source, kind=RunFile.Kind.RUN, run=run)
    then = timezone.now() - dt.timedelta(days=730)
    RunFile.objects.filter(pk=row.pk).update(added_at=then)
    os.utime(first(row), (then.timestamp(), then.timestamp()))
    return RunFile.objects.get(pk=row.pk)


def first(row: RunFile) -> Path:
    store: Any = default_storage
    return Path(store.here(row.file.name))


def put_away() -> Task:
    task = submit("runs.put_away", {})
    work("test:1", [queue_name("work")], lambda: False)
    return Task.objects.get(pk=task.pk)


def test_it_goes_by_its_rule_and_is_read_there(old: RunFile, tmp_path: Path) -> None:
    other = saved(tmp_path, Run.objects.create(stage="darkbox"), b"of a stage without a rule")
    done = put_away()
    assert done.result == {"moved": 1, "bytes": len(CONTENT), "damaged": 0}
    assert first(other).exists()
    assert not first(old).exists()
    assert is_away(old)
    assert (tmp_path / "second" / old.file.name).read_bytes() == CONTENT
    verify(old)
    with old.file.open() as file:
        assert file.read() == CONTENT
    assert old.file.size == len(CONTENT)
    assert [one for one in check_store().findings if old.file.name in str(one)] == []
    assert put_away().result["moved"] == 0


def test_a_click_brings_it_back_and_it_stays(
    old: RunFile,
    browser_client: Client,  # noqa: F811
) -> None:
    put_away()
    viewer = User.objects.create_user("vera", password="only-looking-7")
    make_roles()
    viewer.groups.add(Group.objects.get(name="viewer"))
    page = f"/runs/{old.run_id}/"
    assert "Fetch back" in browser_client.get(page).content.decode()
    looks = Client()
    looks.force_login(viewer)
    text = looks.get(page).content.decode()
    assert "In the second store" in text
    assert "Fetch back" not in text
    assert looks.post(f"/files/{old.pk}/fetch/").status_code == 403
    assert browser_client.post(f"/files/{old.pk}/fetch/").status_code == 302
    task = Task.objects.get(name="runs.fetch")
    work("test:1", [queue_name("work")], lambda: False)
    assert Task.objects.get(pk=task.pk).state == State.SUCCEEDED
    assert first(old).read_bytes() == CONTENT
    assert not is_away(old)
    assert list(due()) == []
    assert "second store" not in browser_client.get(page).content.decode()
    with pytest.raises(Refused, match="not in the second store"):
        fetch(old)


def test_a_damaged_one_stays_where_it_is(old: RunFile, tmp_path: Path) -> None:
    first(old).write_bytes(b"another content")
    os.utime(first(old), (1, 1))
    assert put_away().result == {"moved": 0, "bytes": 0, "damaged": 1}
    assert first(old).exists()
    assert list((tmp_path / "second").rglob("*.root")) == []
    assert StoredFault.objects.get(name=old.file.name).what == "damaged"


def test_a_second_store_that_is_not_mounted_is_told(old: RunFile, settings: Any) -> None:
    settings.MPPCQA_SECOND_STORE += "-gone"
    done = put_away()
    assert done.state == State.FAILED
    assert "is not there" in done.error_text
    assert first(old).exists()


def test_how_long_the_disk_lasts(old: RunFile) -> None:
    RunFile.objects.update(added_at=old.added_at)
    assert bytes_a_day() == 0
    assert days_left() is None
    RunFile.objects.filter(pk=old.pk).update(added_at=timezone.now(), size=90 * 10**9)
    assert bytes_a_day() == 1e9
    assert days_left() is not None
