"""People at browsers and programs with tokens, for `soak`: what each did and was told of."""

from __future__ import annotations

import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlencode

PATIENCE_S = 60.0
RUNS_S = 40.0
"""Between the runs of a station: what people ask for is measured before the next is asked for."""
PAGES = (
    *("/", "/devices/", "/runs/", "/queue/", "/stations/", "/board/", "/shipments/", "/trays/"),
    *("/statistics/yield/", "/notices/", "/catalogue/lots/", "/limits/", "/workers/"),
)


@dataclass
class Asked:
    """One request: when it began, how long it took, and the answer's status; 0 for none at all."""

    at: float
    seconds: float
    what: str
    status: int
    said: str = ""


@dataclass
class Told:
    """What somebody was told was done."""

    comments: list[str] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


class Stays(urllib.request.HTTPRedirectHandler):
    """Where a form leads says whether it was taken: the way there is not gone."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


class Person(threading.Thread):
    """One of the people, until told to stop."""

    def __init__(
        self, address: str, cookie: str, token: str, devices: list[str], stations: list[str],
        kind: str, seed: int, people: int,
        asked: list[Asked], told: Told,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self.address, self.cookie, self.token = address, cookie, token
        self.devices, self.stations, self.kind = devices, stations, kind
        self.random, self.number = random.Random(seed), seed  # noqa: S311
        self.asked, self.told = asked, told
        self.over = threading.Event()
        self.opener = urllib.request.build_opener(Stays)
        self.csrf = ""
        # Two seconds a turn, 63 turns of other things: so many runs a station, whoever many work.
        self.run_weight = 63 * 2 / RUNS_S * len(stations) / people

    def run(self) -> None:
        turn = 0
        while not self.over.wait(self.random.uniform(1.0, 3.0)):
            turn += 1
            self.random.choices(
                [self.look, self.look_at_a_device, self.comment, self.register, self.start_run],
                [30, 15, 12, 6, self.run_weight],
            )[0](turn)

    def look(self, _turn: int) -> None:
        self.ask("page", self.random.choice(PAGES))

    def look_at_a_device(self, _turn: int) -> None:
        self.ask("page", f"/devices/{self.random.choice(self.devices)}/")

    def comment(self, turn: int) -> None:
        place, text = f"/devices/{self.random.choice(self.devices)}/", f"{self.number} says {turn}"
        _status, page, _lead = self.ask("page", place)
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page):
            form = {"text": text, "csrfmiddlewaretoken": found[1]}
            status, _page, lead = self.ask("comment", f"{place}comment/", urlencode(form).encode())
            if status == 302 and not lead.startswith("/login"):
                self.told.comments.append(text)

    def register(self, turn: int) -> None:
        serial = f"SOAK-{self.number}-{turn}"
        body = {"devices": [{"serial": serial, "device_type": self.kind}]}
        status, _text, _lead = self.ask("register", "/api/v1/devices", json.dumps(body).encode())
        if status == 200:
            self.told.serials.append(serial)

    def start_run(self, _turn: int) -> None:
        place = f"/api/v1/stations/{self.random.choice(self.stations)}/runs"
        parameters = {"events": 400, "bias_v": [71.0, 71.6, 72.2]}
        body = json.dumps({"parameters": parameters}).encode()
        status, text, _lead = self.ask("run", place, body)
        if status == 201:
            self.told.runs.append(int(json.loads(text)["id"]))

    def ask(self, what: str, place: str, body: bytes | None = None) -> tuple[int, str, str]:
        """Status, text and where it leads, and what is noted of it."""
        request = urllib.request.Request(f"{self.address}{place}", data=body)  # noqa: S310
        if place.startswith("/api/"):
            request.add_header("Authorization", f"Bearer {self.token}")
            request.add_header("Content-Type", "application/json")
        else:
            request.add_header("Cookie", f"sessionid={self.cookie}{self.csrf}")
        began, status, text, lead = time.monotonic(), 0, "", ""
        try:
            with self.opener.open(request, timeout=PATIENCE_S) as answer:
                self._take_cookie(answer.headers.get_all("Set-Cookie") or [])
                status, text = answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            status, lead = error.code, error.headers.get("Location", "")
            text = error.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            text = repr(error)
        said = text[:300] if status == 0 or status >= 500 else ""
        took = time.monotonic() - began
        self.asked.append(Asked(began, took, f"{what} {place}", status, said))
        return status, text, lead

    def _take_cookie(self, set_cookies: list[str]) -> None:
        for one in set_cookies:
            if one.startswith("csrftoken="):
                self.csrf = f"; {one.partition(';')[0]}"
