"""Webhooks: what happens arrives, signed, once, and again until it is taken; nothing else does."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import Permission, User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from mppcqa.cli import main
from mppcqa.exchange.hooks import actions
from mppcqa.exchange.hooks.addresses import check, is_public, resolve
from mppcqa.exchange.hooks.announcing import look_around
from mppcqa.exchange.hooks.models import Delivery, Webhook
from mppcqa.exchange.hooks.sending import post
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.shipping import send
from mppcqa.limits.judging import judge
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue import submit
from mppcqa.queue.models import OPEN_STATES, Notice, State, Task, TaskGroup, queue_name
from mppcqa.queue.reaper import reap
from mppcqa.queue.runner import work
from mppcqa.refused import Refused
from mppcqa.results.models import Analysis
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Run, StationContact
from tests.api.conftest import program_of
from tests.pens import pen_of
from tests.waiting import free_port, listens, stop, until
from tests.web.formfields import opened
from tests.workers import running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "receiver.py"


class Receiver:
    """A server that keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.drips = False
        self.hang = threading.Event()
        self.hang.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                receiver.hang.wait(60)
                while receiver.drips:  # a byte at a time, without end
                    self.wfile.write(b"H")
                    time.sleep(0.05)
                self.send_response(receiver.status)
                self.send_header("Location", f"{receiver.url}elsewhere")
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b"x" * 5000)

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _head, body in self.got]

    def close(self) -> None:
        self.hang.set()
        self.drips = False
        self.server.shutdown()
        self.server.server_close()

    def events(self) -> list[str]:
        return [one["event"] for one in self.bodies()]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.MPPCQA_HOOK_HOSTS = ["127.0.0.1"]
    made = Receiver()
    yield made
    made.close()


def run_all() -> None:
    work("test:1", [queue_name("work")], lambda: False)


def hours_pass() -> None:
    """What waits, waits no longer."""
    past = timezone.now() - dt.timedelta(seconds=1)
    Delivery.objects.filter(state="waiting").update(next_at=past)
    Webhook.objects.update(paused_until=None)
    reap()
    run_all()


def made(owner: User, receiver: Receiver, *events: str) -> tuple[Webhook, str]:
    return actions.make(owner, "journal", receiver.url, events or ["verdicts.changed"])


def judge_again(campaign: SimpleNamespace) -> None:
    """All devices get a verdict as if none had had one."""
    from mppcqa.limits.models import Verdict
    from mppcqa.results.models import Standing

    Standing.objects.update(verdict=None, outcome="")
    Verdict.objects.all().delete()
    judge(Analysis.objects.earliest("pk"), [one.pk for one in campaign.devices])


def is_signed(head: dict[str, str], body: bytes, secret: str) -> bool:
    """By the standard's own words, written down a second time."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = b".".join([head["webhook-id"].encode(), head["webhook-timestamp"].encode(), body])
    own = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return f"v1,{own}" in head["webhook-signature"].split()


def test_what_happens_arrives_signed_and_each_thing_once(
    campaign: SimpleNamespace, operator: User, receiver: Receiver
) -> None:
    names = ("run.ended", "verdicts.changed", "task.failed", "shipment.sent", "alarm.raised",
             "station.silent")  # fmt: skip
    hook, secret = made(operator, receiver, *names)
    judge_again(campaign)
    away = Institute.objects.create(name="away")
    shipment = send(campaign.place, away, ["GX-003"], by=pen_of(), exempt="return")
    station, device = campaign.stations[0], campaign.devices[0]
    StationAlarm.objects.create(station=station, device=device, quantity="pde", off=4.2)
    submit("exchange.check", {"import_id": 77})
    group = TaskGroup.objects.create(title="run", about_model="runs.run")
    Run.objects.filter(pk=campaign.run.pk).update(task_group=group)
    Task.objects.create(name="exchange.tidy", state=State.QUEUED, group=group,
                        served_by=queue_name("work"))  # fmt: skip
    run_all()
    StationContact.objects.create(
        station=station, agent="a", host="bench-7", since=timezone.now(), heard_at=timezone.now()
    )
    Webhook.objects.update(made_at=F("made_at") - dt.timedelta(minutes=5))
    StationContact.objects.update(heard_at=timezone.now() - dt.timedelta(minutes=1))
    Task.objects.update(ended_at=timezone.now() - dt.timedelta(minutes=1))
    for _twice in range(2):
        look_around()
    run_all()
    assert sorted(receiver.events()) == sorted(names)
    told = {one["event"]: one["data"] for one in receiver.bodies()}
    changes = {one["serial"]: one for one in told["verdicts.changed"]["changes"]}
    assert set(changes) == {f"GX-00{n}" for n in range(4)}
    assert changes["GX-000"]["former"] is None
    assert told["shipment.sent"]["shipment"] == shipment.pk
    assert told["shipment.sent"]["serials"] == ["GX-003"]
    assert told["alarm.raised"]["device"]["serial"] == "GX-000"
    assert "there is no import 77" in told["task.failed"]["error"]
    assert told["run.ended"]["uuid"] == str(campaign.run.uuid)
    assert told["run.ended"]["devices"][0]["serial"] == "GX-000"
    assert told["station.silent"]["station"] == station.name
    assert all(is_signed(head, body, secret) for head, body in receiver.got)
    assert not is_signed(receiver.got[0][0], receiver.got[0][1] + b" ", secret)
    assert len({head["webhook-id"] for head, _body in receiver.got}) == len(names)
    assert all(len(one.answer) <= 1000 for one in hook.deliveries.all())


def test_what_is_not_taken_comes_again_by_the_same_id_and_is_given_up_in_the_end(
    campaign: SimpleNamespace, operator: User, receiver: Receiver
) -> None:
    hook, secret = made(operator, receiver)
    receiver.status = 500
    judge_again(campaign)
    run_all()
    reap()
    run_all()
    assert len(receiver.got) == 1  # it waits first
    hours_pass()
    receiver.status = 302
    hours_pass()
    assert len(receiver.got) == 3  # where it is sent to is not asked
    receiver.status = 200
    renewed = actions.renew(hook)
    hours_pass()
    hours_pass()
    assert len(receiver.got) == 4
    assert len({head["webhook-id"] for head, _body in receiver.got}) == 1
    assert len({body for _head, body in receiver.got}) == 1
    head, body = receiver.got[-1]
    assert is_signed(head, body, secret)
    assert is_signed(head, body, renewed)
    assert renewed != secret
    Webhook.objects.update(renewed_at=timezone.now() - dt.timedelta(days=2))
    receiver.status = 500
    judge_again(campaign)
    run_all()
    for _again in range(10):
        hours_pass()
    head, body = receiver.got[-1]
    assert is_signed(head, body, renewed)
    assert not is_signed(head, body, secret)
    hook.refresh_from_db()
    assert not hook.active
    assert "11" in hook.off_why
    notice = Notice.objects.get(user=operator)
    assert "journal" in notice.text
    judge_again(campaign)
    count = len(receiver.got)
    hours_pass()
    assert len(receiver.got) == count == 15
    actions.change(hook, active=True)
    receiver.status = 200
    actions.again(hook.deliveries.get(state="given_up"))
    run_all()
    assert len(receiver.got) == 16
    assert receiver.got[-1][0]["webhook-id"] == head["webhook-id"]


def test_nobody_is_told_by_a_hook_of_what_its_owner_does_not_see(
    campaign: SimpleNamespace, operator: User, receiver: Receiver
) -> None:
    ours = Institute.objects.create(name="Ours")
    Device.objects.filter(serial="GX-001").update(owner=ours)
    partner = invite("pat", ROLES["partner"], institute=ours, by=None)
    right = Permission.objects.get(codename="add_webhook")
    partner.user_permissions.add(right)
    partner = User.objects.get(pk=partner.pk)
    made(partner, receiver, "verdicts.changed", "task.failed", "run.ended", "alarm.raised")
    StationAlarm.objects.create(
        station=campaign.stations[0], device=campaign.devices[0], quantity="pde", off=4.2
    )
    submit("exchange.check", {"import_id": 77})
    judge_again(campaign)
    run_all()
    [told] = receiver.bodies()
    assert [one["serial"] for one in told["data"]["changes"]] == ["GX-001"]
    # What waits when the owner is bound to something else is not sent at all; nor is anything
    # once the right, or the person, is gone.
    receiver.status = 500
    judge_again(campaign)
    run_all()
    partner.person.institute = Institute.objects.create(name="Others")
    partner.person.save()
    hours_pass()
    assert len(receiver.got) == 2
    assert Delivery.objects.latest("pk").state == "withheld"
    Device.objects.update(owner=partner.person.institute)
    partner.user_permissions.clear()
    judge_again(campaign)
    run_all()
    assert len(receiver.got) == 2


def test_one_that_hangs_or_drips_holds_up_no_other_and_two_workers_send_once(
    campaign: SimpleNamespace,
    operator: User,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url in (receiver.url, f"http://127.0.0.1:{free_port()}/"):  # one hangs, one is not there
        actions.make(operator, "dead", url, ["verdicts.changed"])
    other = Receiver()
    actions.make(operator, "alive", other.url, ["verdicts.changed"])
    receiver.drips = True
    assert "no answer within 0.3 s" in post(receiver.url, "{}", {}, seconds=0.3).text
    receiver.drips = False
    receiver.hang.clear()
    monkeypatch.setenv("MPPCQA_HOOK_HOSTS", "127.0.0.1")
    with running_worker("--concurrency", "2"), running_worker("--concurrency", "2"):
        for _several in range(5):
            judge_again(campaign)
        wait_until(lambda: len(other.got) >= 5, what="five deliveries")
        wait_until(
            lambda: not Task.objects.filter(state__in=OPEN_STATES).exists(),
            what="workers that wait for nobody",
        )
    other.close()
    ids = [head["webhook-id"] for head, _body in other.got]
    assert len(ids) == len(set(ids)) == 5
    dead = Delivery.objects.filter(hook__title="dead")
    assert set(dead.values_list("state", flat=True)) == {"waiting"}
    assert "no answer within 10 s" in set(dead.values_list("answer", flat=True))


def test_the_servers_own_network_is_not_asked(settings: Any) -> None:
    settings.MPPCQA_HOOK_HOSTS = ["lims.lan"]
    assert check("https://qa.example.org/x?y=1").hostname == "qa.example.org"
    assert check("http://lims.lan:8080/")
    for url in (
        "http://qa.example.org/", "ftp://qa.example.org/", "https:///x", "https://a:b@example.org/",
        "https://localhost/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/",
        "https://10.0.0.7/", "https://169.254.169.254/latest/", "https://[::1]/",
        "https://[::ffff:10.0.0.1]/", "https://[fe80::1]/", "https://[64:ff9b::a00:1]/",
        "https://100.64.0.1/", "https://0.0.0.0/", "https://[fd00::1]/", "https://example.org\n/",
        "https://example.org:99999/",
    ):  # fmt: skip
        with pytest.raises(Refused):
            check(url)
    settings.MPPCQA_HOOK_HOSTS = ["127.0.0.1"]
    assert resolve("https://127.0.0.1/").number == "127.0.0.1"
    settings.MPPCQA_HOOK_HOSTS = []
    assert "own network" in post("https://127.0.0.1/", "{}", {}).text
    for number in ("2606:4700::1111", "93.184.215.14"):
        assert is_public(ip_address(number))


def test_page_api_and_command_make_try_and_remove_one(
    campaign: SimpleNamespace, operator: User, receiver: Receiver
) -> None:
    browser = Client()
    browser.force_login(operator)
    said = {"title": "by page", "url": "http://192.168.0.9/", "events": ["run.ended"]}
    assert "MPPCQA_HOOK_HOSTS" in browser.post("/webhooks/", said).content.decode()
    page = browser.post("/webhooks/", {**said, "url": receiver.url}).content.decode()
    hook = Webhook.objects.get()
    secret = page.partition('id="secret">')[2].partition("<")[0]
    address = f"/webhooks/{hook.pk}/"
    assert secret.startswith("whsec_")
    assert secret not in browser.get(address).content.decode()
    browser.post(address, {"action": "test"})
    run_all()
    assert receiver.events() == ["test"]
    assert is_signed(*receiver.got[0], secret)
    shown = browser.get(address).content.decode()
    assert receiver.got[0][0]["webhook-id"] in shown
    assert "1 try" in shown
    browser.post(address, {"action": "again", "delivery": hook.deliveries.get().pk})
    run_all()
    assert len({head["webhook-id"] for head, _body in receiver.got}) == 1 < len(receiver.got)
    mark = opened(browser, address, action="change")
    changed = {**said, **mark, "url": receiver.url, "action": "change", "title": "other"}
    browser.post(address, changed)
    browser.post(address, {"action": "off", **opened(browser, address, action="off")})
    program = program_of(operator)
    [told] = program.read("webhooks")["items"]
    assert (told["title"], told["active"]) == ("other", False)
    refused = program.send("post", f"webhooks/{hook.pk}/test")
    assert refused.status_code == 409
    program.send("patch", f"webhooks/{hook.pk}", {"active": True, "events": ["task.failed"]})
    new = program.send("post", f"webhooks/{hook.pk}/renew").json()["secret"]
    sent = program.send("post", f"webhooks/{hook.pk}/test").json()
    run_all()
    assert is_signed(*receiver.got[-1], new)
    [first, second] = program.read(f"webhooks/{hook.pk}/deliveries")["items"]
    assert (first["id"], first["state"], second["tries"]) == (sent["id"], "taken", 1)
    more = program.read(f"webhooks/{hook.pk}/deliveries?limit=1")
    rest = program.read(f"webhooks/{hook.pk}/deliveries?limit=1&after={more['next']}")
    assert (rest["items"][0]["id"], rest["next"]) == (second["id"], None)
    assert program.send("delete", f"webhooks/{hook.pk}").status_code == 204
    run = CliRunner()
    options = ["--user", operator.username, "--event", "task.failed"]
    done = run.invoke(main, ["webhook", "make", "by command", receiver.url, *options])
    assert done.exit_code == 0, done.output
    hook = Webhook.objects.get()
    for words in (["test"], ["told"], ["renew"], ["switch"]):
        more = ["off"] if words == ["switch"] else []
        done = run.invoke(main, ["webhook", *words, str(hook.pk), *more])
        assert done.exit_code == 0, done.output
    [row] = json.loads(run.invoke(main, ["webhook", "list", "--json"]).output)
    assert (row["title"], row["active"]) == ("by command", False)
    assert run.invoke(main, ["webhook", "test", str(hook.pk)]).exit_code == 1
    assert run.invoke(main, ["webhook", "remove", str(hook.pk)]).exit_code == 0
    assert not Webhook.objects.exists()
    actions.make(operator, "of another", receiver.url, ["run.ended"])
    manager = invite("mia", ROLES["manager"], by=None)
    assert program_of(manager).get("webhooks").status_code == 403


def test_the_receiver_of_the_documentation_takes_what_is_signed_alone(
    campaign: SimpleNamespace, operator: User, settings: Any, tmp_path: Path
) -> None:
    settings.MPPCQA_HOOK_HOSTS = ["127.0.0.1"]
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    hook, secret = actions.make(operator, "example", url, ["verdicts.changed"])
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), str(port)],
            env={**os.environ, "SECRET": secret},
            stdout=output,
        )
    try:
        until(lambda: listens(port), "a receiver")
        judge_again(campaign)
        run_all()
        actions.again(hook.deliveries.get())
        run_all()
        [line] = said.read_text().splitlines()
        assert len(json.loads(line)["data"]["changes"]) == 4
        assert post(url, "{}", {"webhook-id": "a", "webhook-timestamp": "1",
                                "webhook-signature": "v1,x"}).status == 403  # fmt: skip
        assert hook.deliveries.get().state == "taken"
    finally:
        stop(process)
