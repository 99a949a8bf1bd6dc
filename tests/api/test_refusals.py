"""What programs ask for and there is not, or may not be: a problem in words, and nothing done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from mppcqa.api.once import LONGEST
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute, Maker, Tray
from mppcqa.limits.models import Verdict
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.models import LoadedDevice, Run, RunFile, Station
from tests.api.conftest import Program, program_of


def told(answer: Any, status: int) -> dict[str, Any]:
    """The problem of an answer, which is one by its type and says its own status."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["detail"]
    return found


MISSING = (
    "devices/NONE", "devices/NONE/values", "devices/NONE/history", "devices/NONE/files",
    "runs/999999", "files/999999", "attachments/999999", "analyses/999999", "verdicts/999999",
    "limits/999999", "trays/NONE", "stations/none", "tasks/999999", "tasks/999999/log",
    "shipments/999999", "catalogue/nothing", "catalogue/nothing/1", "catalogue/makers/999999",
)  # fmt: skip


@pytest.mark.parametrize("path", MISSING)
def test_what_there_is_not_is_no_error_of_the_server(program: Program, path: str) -> None:
    found = told(program.get(path), 404)
    assert "Traceback" not in str(found)


@pytest.mark.parametrize("number", ["-1", "2147483648", "x", "1.5", "²"])
@pytest.mark.parametrize("kind", ["runs", "files", "analyses", "verdicts", "tasks"])
def test_a_number_that_no_column_holds_is_told(program: Program, kind: str, number: str) -> None:
    told(program.get(f"{kind}/{number}"), 422)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("runs?stage=pde&colour=red", "colour"),
        ("runs?station=nowhere", "station"),
        ("runs?limit=0", "limit"),
        ("runs?limit=501", "limit"),
        ("runs?sort=weight", "sort"),
        ("runs?fields=id,weight", "fields"),
        ("analyses?run=x", "run"),
        ("analyses?file=x", "file"),
        ("verdicts?outcome=great", "outcome"),
        ("tasks?state=asleep", "state"),
        ("tasks/1/log?offset=-1", "offset"),
        ("stages?colour=red", "colour"),
        ("limits?stage=pde", "stage"),
        ("trays?limit=x", "limit"),
        ("measurements?quantity=colour", "quantity"),
    ],
)
def test_a_word_that_means_nothing_is_refused_at_its_field(
    program: Program, path: str, field: str
) -> None:
    answer = program.get(path)
    found = told(answer, 422)
    assert field in [one["field"].split(".")[-1] for one in found["errors"]]


def test_lists_are_chosen_and_paged_as_their_filters_say(
    program: Program, campaign: SimpleNamespace
) -> None:
    run = campaign.run
    analysis = Analysis.objects.get(run_file__run=run)
    file = RunFile.objects.get(run=run)
    for path, number in (
        (f"analyses?run={run.pk}", 1),
        (f"analyses?file={file.pk}", 1),
        ("analyses?stage=pde", 1),
        ("analyses?stage=iv", 0),
        ("analyses?run=999999", 0),
        ("runs?station=pde-1", 1),
        ("runs?station=darkbox-1", 0),
        ("runs?stage=pde", 1),
        ("runs?stage=gone", 0),
        ("verdicts?stage=iv", 0),
        ("verdicts?stage=pde", 4),
        ("trays?q=T", 1),
        ("trays?q=X", 0),
    ):
        assert len(program.read(path)["items"]) == number, path
    outcome = Standing.objects.values_list("outcome", flat=True).first()
    assert len(program.read(f"verdicts?outcome={outcome}")["items"]) == 4
    whole = program.read(f"analyses/{analysis.pk}")
    assert (whole["run"], whole["file"], whole["counts"]) == (run.pk, file.pk, True)
    assert whole["values"] == 4 * 16 * (1 + 3 * 3)
    assert whole["problems"]
    first = program.read("verdicts?limit=3")
    rest = program.read(f"verdicts?limit=3&after={first['next']}")
    assert rest["next"] is None
    assert len({one["serial"] for one in first["items"] + rest["items"]}) == 4


def test_a_verdict_leads_to_its_limits_and_their_bands(
    program: Program, campaign: SimpleNamespace
) -> None:
    row = Verdict.objects.filter(device=campaign.devices[0]).latest("pk")
    found = program.read(f"verdicts/{row.pk}")
    assert (found["serial"], found["stage"], found["outcome"]) == ("GX-000", "pde", row.outcome)
    assert found["details"] == row.details
    (listed,) = [one for one in program.read("limits")["items"] if one["id"] == row.limit_set_id]
    assert (listed["stage"], listed["active"], listed["device_type"]) == ("pde", True, None)
    bands = program.read(f"limits/{row.limit_set_id}")["limits"]
    assert len(bands) == row.limit_set.limits.count()
    for band, stored in zip(bands, row.limit_set.limits.order_by("pk"), strict=True):
        assert (band["pass_low"], band["pass_high"]) == (stored.pass_low, stored.pass_high)
        assert band["at"] == dict(stored.at)
        assert band["unit"] == stored.quantity.unit


def test_a_stage_says_what_it_measures_at_what(program: Program) -> None:
    stages = {one["key"]: one for one in program.read("stages")["items"]}
    pde = stages["pde"]
    assert {"bias_v", "overvoltage_v", "temperature_c", "light"} <= set(pde["axes"])
    quantities = {one["key"]: one for one in pde["quantities"]}
    assert (quantities["breakdown_voltage_v"]["unit"], quantities["pde"]["scope"]) == (
        "V", "channel",
    )  # fmt: skip


def test_who_sees_some_devices_alone_is_told_nothing_of_all(
    program: Program, campaign: SimpleNamespace, operator: User
) -> None:
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    Device.objects.update(owner=theirs)
    Run.objects.update(owner=theirs)
    bound = program_of(invite("pat", ROLES["partner"], institute=ours, by=operator))
    for path in ("limits", f"limits/{Verdict.objects.latest('pk').limit_set_id}", "schedules"):
        assert "account sees some" in told(bound.get(path), 403)["detail"]
    assert bound.read("verdicts")["items"] == []
    assert bound.read("runs")["items"] == []
    assert bound.read("analyses")["items"] == []
    told(bound.get("trays/T-1"), 404)
    told(bound.get(f"runs/{campaign.run.pk}"), 404)
    told(bound.get(f"files/{RunFile.objects.get(run=campaign.run).pk}"), 404)
    told(bound.get(f"verdicts/{Verdict.objects.latest('pk').pk}"), 404)
    told(bound.get("devices/GX-000"), 404)


def test_what_a_role_may_not_do_is_refused_with_the_right_that_is_missing(
    campaign: SimpleNamespace, operator: User
) -> None:
    reader = program_of(invite("vic", ROLES["viewer"], by=operator))
    Task.objects.create(name="reports.write", state=State.WAITING)
    number = Task.objects.latest("pk").pk
    for method, path, body, right in (
        ("post", "stations/pde-1/load", {"slots": {"1": "GX-000"}}, "runs.add_loadeddevice"),
        ("post", "stations/pde-1/unload", {}, "runs.delete_loadeddevice"),
        ("post", "stations/pde-1/runs", {}, "runs.add_run"),
        ("post", f"tasks/{number}/kill", {}, "queue.change_task"),
        ("post", f"tasks/{number}/again", {}, "queue.add_task"),
        ("post", "catalogue/makers", {"name": "X"}, "inventory.add_maker"),
    ):
        found = told(reader.send(method, path, body), 403)
        assert right in found["detail"], path
    assert not LoadedDevice.objects.exists()
    assert Task.objects.get(pk=number).state == State.WAITING
    assert not Maker.objects.filter(name="X").exists()


def test_a_token_that_only_reads_changes_nothing(campaign: SimpleNamespace, operator: User) -> None:
    reading = program_of(operator, writes=False)
    assert reading.read("devices")["items"]
    found = told(reading.send("post", "catalogue/makers", {"name": "X"}), 403)
    assert "only reads" in found["detail"]
    assert not Maker.objects.filter(name="X").exists()


def test_a_request_without_a_token_says_how_one_is_shown(campaign: SimpleNamespace) -> None:
    for stranger in (Program(""), Program("no such token")):
        answer = stranger.get("devices")
        assert "Bearer" in told(answer, 401)["detail"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_loading_and_starting_refuse_in_words_and_change_nothing(
    program: Program, campaign: SimpleNamespace
) -> None:
    found = told(
        program.send("post", "stations/pde-1/load", {"slots": {"1": "GX-000", "2": "NONE"}}), 409
    )
    assert "NONE" in found["detail"]
    assert not LoadedDevice.objects.exists()
    for slots in ({"0": "GX-000"}, {"x": "GX-000"}, {"32768": "GX-000"}):
        told(program.send("post", "stations/pde-1/load", {"slots": slots}), 422)
    told(program.send("post", "stations/pde-1/load", {"slots": {"9": "GX-000"}}), 409)
    told(program.send("post", "stations/pde-1/runs", {}), 409)
    assert Run.objects.count() == 1
    done = program.send("post", "stations/pde-1/load", {"slots": {"1": "gx-000"}})
    assert done.json()["loaded"] == [{"slot": 1, "serial": "GX-000"}]
    found = told(
        program.send("post", "stations/pde-1/runs", {"parameters": {"colour": "red"}}), 409
    )
    assert "colour" in found["detail"]
    assert program.read("stations/pde-1")["loaded"] == [{"slot": 1, "serial": "GX-000"}]
    emptied = program.send("post", "stations/pde-1/unload")
    assert emptied.json()["loaded"] == []
    assert Station.objects.get(name="pde-1").loaded.count() == 0


def test_a_task_is_stopped_once_and_asked_for_again_when_it_ended(program: Program) -> None:
    made = Task.objects.create(name="reports.write", state=State.WAITING)
    assert program.send("post", f"tasks/{made.pk}/kill", {"reason": "a mistake"}).status_code == 200
    made.refresh_from_db()
    assert made.state == State.KILLED
    running = Task.objects.create(name="reports.write", state=State.RUNNING, attempt=1)
    told(program.send("post", f"tasks/{running.pk}/again"), 409)
    assert program.read("tasks?state=ended")["items"][0]["id"] == made.pk
    assert program.read("tasks?state=open")["items"][0]["id"] == running.pk
    assert program.read(f"tasks?state={State.RUNNING}")["items"][0]["state"] == State.RUNNING


def test_a_routine_is_asked_for_by_its_own_arguments_alone(program: Program) -> None:
    names = {one["name"] for one in program.read("routines")["items"]}
    assert names
    found = told(program.send("post", "tasks", {"routine": "make.coffee"}), 422)
    assert found["errors"][0]["field"] == "routine"
    name = sorted(names)[0]
    strange = {"routine": name, "arguments": {"colour": "red"}}
    assert told(program.send("post", "tasks", strange), 422)["errors"][0]["field"] == (
        "arguments.colour"
    )
    told(program.send("post", "tasks", {"routine": name, "priority": 10}), 422)
    told(program.send("post", "tasks", {"routine": name, "colour": "red"}), 422)
    assert not Task.objects.exists()


def test_the_catalogue_keeps_what_its_forms_take_and_what_is_in_use(
    program: Program, campaign: SimpleNamespace
) -> None:
    kinds = {one["kind"]: one for one in program.read("catalogue")["items"]}
    assert "name" in kinds["makers"]["needed"]
    made = program.send("post", "catalogue/makers", {"name": "Broadcom"})
    assert made.status_code == 201
    number = made.json()["id"]
    assert program.read(f"catalogue/makers/{number}")["name"] == "Broadcom"
    for body, field in (({}, "name"), ({"name": ""}, "name"), ({"name": "A", "hue": 1}, "hue"),
                        ({"name": "Broadcom"}, "name"), ({"name": "x" * 201}, "name")):  # fmt: skip
        found = told(program.send("post", "catalogue/makers", body), 422)
        assert field in str(found["errors"]), body
    changed = program.send("patch", f"catalogue/makers/{number}", {"name": "Broadcom Inc."})
    assert changed.json()["name"] == "Broadcom Inc."
    tag = program.get(f"catalogue/makers/{number}").headers.get("ETag", "")
    if tag:
        Maker.objects.filter(pk=number).update(name="meanwhile")
        stale = program.send(
            "patch", f"catalogue/makers/{number}", {"name": "mine"}, **{"If-Match": tag}
        )
        told(stale, 412)
        assert Maker.objects.get(pk=number).name == "meanwhile"
    assert program.send("delete", f"catalogue/makers/{number}").status_code == 204
    assert not Maker.objects.filter(pk=number).exists()
    used = Maker.objects.get(name="Hamamatsu")
    assert "in use" in told(program.send("delete", f"catalogue/makers/{used.pk}"), 409)["detail"]
    assert Maker.objects.filter(pk=used.pk).exists()
    page = program.read("catalogue/makers?limit=1")
    assert len(page["items"]) == 1
    assert Campaign.objects.exists()


def test_the_same_key_is_of_one_request_alone(program: Program) -> None:
    headers = {"Idempotency-Key": "one"}
    first = program.send("post", "catalogue/makers", {"name": "A"}, **headers)
    again = program.send("post", "catalogue/makers", {"name": "A"}, **headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Maker.objects.filter(name="A").count() == 1
    told(program.send("post", "catalogue/makers", {"name": "B"}, **headers), 422)
    assert not Maker.objects.filter(name="B").exists()
    long = {"Idempotency-Key": "x" * (LONGEST + 1)}
    told(program.send("post", "catalogue/makers", {"name": "C"}, **long), 422)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"\xff", "application/json"),
     (b'{"name": "\\ud800"}', "application/json"), (b'{"name": 1e999}', "application/json")],
)  # fmt: skip
def test_a_body_that_is_no_json_of_ours_is_told(program: Program, body: bytes, kind: str) -> None:
    answer = program.client.post(
        "/api/v1/catalogue/makers", body, content_type=kind, headers=program.headers
    )
    assert answer.status_code in (400, 422), answer.content
    told(answer, answer.status_code)
    assert not Maker.objects.exclude(name="Hamamatsu").exists()


def test_a_database_that_is_away_is_told_with_when_to_try_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object, **_named: object) -> None:
        raise OperationalError(2006, "gone away")

    monkeypatch.setattr("mppcqa.api.results.page_of", away)
    program.client.raise_request_exception = False
    answer = program.get("verdicts")
    assert answer.status_code in (500, 503)
    assert "gone away" not in answer.content.decode()
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0


def test_an_error_of_ours_says_nothing_of_the_inside(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise ValueError("the secret of the house")

    monkeypatch.setattr("mppcqa.api.results.page_of", broken)
    program.client.raise_request_exception = False
    found = told(program.get("verdicts"), 500)
    assert "secret" not in str(found)


def test_a_file_that_was_damaged_is_not_handed_out(
    program: Program, campaign: SimpleNamespace
) -> None:
    row = RunFile.objects.get(run=campaign.run)
    path = row.file.storage.path(row.file.name)
    with open(path, "r+b") as file:  # noqa: PTH123
        file.write(b"XXXX")
    answer = program.get(f"files/{row.pk}")
    if answer.status_code == 200:
        data = b"".join(answer.streaming_content)
        assert data[:4] != b"XXXX", "changed bytes went out as the file"
    else:
        told(answer, 410)


def test_a_tray_says_where_each_device_lies(program: Program, campaign: SimpleNamespace) -> None:
    found = program.read("trays/T-1")
    assert (found["rows"], found["columns"]) == (4, 5)
    places = [(one["serial"], one["row"], one["column"]) for one in found["devices"]]
    assert places == [(f"GX-{n:03d}", 0, n) for n in range(4)]
    Tray.objects.filter(name="T-1").update(name="T-2")
    told(program.get("trays/T-1"), 404)
