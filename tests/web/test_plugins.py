"""A package that is not ours adds something at every hook; what of it is broken is switched off."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa import plugins
from mppcqa.exchange import campaigns, writers
from mppcqa.exchange.foreign.mappings import all_mappings
from mppcqa.plugins import HOOKS
from mppcqa.public_address import PublicAddress
from mppcqa.queue import channels
from mppcqa.queue.models import Notice, State, Task
from mppcqa.queue.notices import notify
from mppcqa.refused import Refused
from mppcqa.reports import kinds, sections
from mppcqa.reports.device import lay_out
from mppcqa.reports.labels import printers
from mppcqa.stages import records, registry
from mppcqa.statistics import matching_rules
from mppcqa.tables import formats, shipped
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign
from tests.reports import reading
from tests.reports.hard import hard_views
from tests.web.plugin_package import install
from tests.workers import SOURCE

LISTS = (
    registry._found,
    registry.all_axes,
    records.record_kinds,
    formats.formats,
    shipped.shipped,
    writers.writers,
    campaigns.databases,
    kinds.report_kinds,
    sections.added_sections,
    printers.printers,
    matching_rules.rules,
    channels.channels,
)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def here(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is installed for this process."""
    monkeypatch.syspath_prepend(str(theirs))
    importlib.invalidate_caches()
    for one in LISTS:
        one.cache_clear()
    formats._recognised.cache_clear()
    yield
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.startswith("mppcqa_theirs")]:
        del sys.modules[name]
    for one in LISTS:
        one.cache_clear()
    formats._recognised.cache_clear()
    plugins.ask_all()


def test_each_hook_takes_one_and_switches_off_what_is_broken(here: None) -> None:
    plugins.ask_all()
    good = {one.group for one in plugins.used() if one.name == "good"}
    assert good == set(HOOKS)
    for name in ("gone", "other"):
        off = {one.group: str(one) for one in plugins.broken() if one.name == name}
        assert set(off) == set(HOOKS)
        assert all("of mppcqa-theirs 3.1) is switched off: " in text for text in off.values())
    assert "RuntimeError: their library is not there" in str(plugins.broken()[0])


def test_the_command_lists_checks_and_ends_with_status_1(theirs: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(theirs), str(SOURCE)])
    environment = {**os.environ, "PYTHONPATH": path, "MPPCQA_HOME": str(tmp_path)}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mppcqa.cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    done = command("plugins")
    assert done.returncode == 1
    assert "matching rule as-they-come (mppcqa_theirs.good:rule of mppcqa-theirs 3.1): ok" in (
        done.stdout
    )
    assert "the label printer gone (mppcqa_theirs.broken:thing of mppcqa-theirs 3.1)" in done.stdout
    found = json.loads(command("plugins", "--json").stdout)
    assert {one["group"] for one in found["switched_off"]} == set(HOOKS)
    hooks = command("plugins", "--hooks").stdout
    assert all(group in hooks for group in HOOKS)
    # The program runs beside it.
    assert command("states", "table").returncode == 0


def test_their_files_are_read(here: None, db: None, tmp_path: Path) -> None:
    path = tmp_path / "run.scope"
    path.write_text("THEIR SCOPE 2\n" + "\n".join(str(n / 10) for n in range(50)))
    found = propose(path, all_mappings())
    assert found.mapping is not None
    assert found.mapping.format == "theirscope"
    (part,) = read_foreign(path, found.mapping)
    assert part.charges is not None
    assert part.charges[:, 0].max() == 4.9


def test_their_export_format_report_and_section(here: None, db: None, tmp_path: Path) -> None:
    assert writers.find_writer("theirs").title == "Their format"
    assert kinds.find_kind("theirs").title == "Their report"
    text = "\n".join(reading.read(lay_out(hard_views()["all failed"], PublicAddress("")))[0])
    assert "Kept dry by them." in text
    assert "This section could not be written: it fails when it is used" in text.replace("\n", " ")


def test_their_printer_writes_labels_and_one_that_fails_is_told(
    here: None, browser_client: Client, campaign: SimpleNamespace
) -> None:
    page = f"/labels/?devices={campaign.devices[0].pk}"
    assert "Their printer (EPL)" in browser_client.get(page).content.decode()
    form = {"what": "devices", "says": "short", "width": "50", "height": "25", "dpi": "300"}
    made = browser_client.post(page, {**form, "size": "epl"})
    assert made.content == b"N1 300"
    assert "labels.epl" in made["Content-Disposition"]
    failed = browser_client.post(page, {**form, "size": "failing"})
    assert failed.status_code == 422
    assert "it fails when it is used" in failed.content.decode()


def test_their_rule_matches_and_what_breaks_the_question_is_refused(
    here: None, browser_client: Client
) -> None:
    values = [5.0, 1.0, 4.0, 2.0]
    found = matching_rules.grouped_by("as-they-come", values, 2)
    assert found.groups == [[1, 0], [3, 2]]
    assert found.spreads.tolist() == [4.0, 2.0]
    with pytest.raises(Refused, match="wider than allowed"):
        matching_rules.grouped_by("as-they-come", values, 2, widest=3.0)
    with pytest.raises(Refused, match="in two groups"):
        matching_rules.grouped_by("twice", values, 2)
    with pytest.raises(Refused, match="not among those to choose from"):
        matching_rules.grouped_by("beyond", values, 2)
    with pytest.raises(Refused, match="it fails when it is used"):
        matching_rules.grouped_by("failing", values, 2)
    with pytest.raises(Refused, match="was its package removed"):
        matching_rules.grouped_by("never there", values, 2)


def test_their_rule_is_offered_beside_ours(
    here: None, browser_client: Client, campaign: SimpleNamespace
) -> None:
    page = browser_client.get("/matching/new/").content.decode()
    assert "as they come" in page
    assert "the smallest sum of spreads" in page
    value = matching_value(page)
    asked = {"value": value, "size": "2", "rule": "as-they-come", "origin": campaign.place.pk}
    asked |= {"verdict": "fair"}
    shown = browser_client.get("/matching/new/", asked)
    assert shown.status_code == 200
    text = shown.content.decode()
    assert "The first groups" in text
    asked["rule"] = "failing"
    refused = browser_client.get("/matching/new/", asked)
    assert refused.status_code == 422
    assert "it fails when it is used" in refused.content.decode()


def matching_value(page: str) -> str:
    """The first quantity that is offered."""
    select = page.partition('name="value"')[2].partition("</select>")[0]
    return select.partition('<option value="')[2].partition('"')[0]


def test_a_notice_goes_by_their_way_and_by_those_beside_it(
    here: None, theirs: Path, operator: User, mailoutbox: list[object]
) -> None:
    operator.email = "rosa@example.org"
    operator.save()
    task = Task.objects.create(
        name="x", state=State.FAILED, error_text="no light", requested_by=operator
    )
    notify(task)
    said = (theirs / "mppcqa_theirs" / "said.txt").read_text()
    assert said.startswith("rosa: ")
    assert "no light" in said
    assert len(mailoutbox) == 1
    assert Notice.objects.count() == 1


def test_about_names_what_is_added_and_what_is_off(here: None, browser_client: Client) -> None:
    page = browser_client.get("/about/").content.decode()
    assert "mppcqa-theirs 3.1" in page
    assert "as-they-come" in page
    text = " ".join(page.split())
    assert "gone (label printer) of mppcqa-theirs 3.1 is switched off" in text
    assert "hunter2" not in page
