"""The client: what may be asked of a server."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from mppcqa.client._asking import BROKEN, Asking, Away, Fault, NotThere, Pool, Refused, place
from mppcqa.client._brought import OwnRun, bring_one, spooled
from mppcqa.client._measurements import Measurements
from mppcqa.client._run import ENDED, LOOK_S, StationRun, log_lines
from mppcqa.client._said import DeviceRow, Registered, RunRow, TaskRow, Value
from mppcqa.disk import whole_file

AT_ONCE = 5000
PAGE = 500
PIECE = 1 << 18
ROW = re.compile(r"devices\.(\d+)\.?(.*)")
"""A fault that the schema of the API finds: where in the request."""
ALL_THERE = 416
"""There is nothing behind what was brought."""


class Client:
    """A server, asked with the token of a person.

    server
        Address, such as ``https://mppcqa.example.org``.
    token, token_file
        The token, or a file that only you may read; a file is read anew for each request.
    tries
        How often a request is sent while the server is away.
    ca
        Certificates to trust beside those of the system.
    pool
        What carries requests instead of connections of its own.
    """

    def __init__(
        self,
        server: str,
        token: str = "",
        *,
        token_file: str | Path | None = None,
        tries: int = 5,
        ca: Path | None = None,
        pool: Pool | None = None,
    ) -> None:
        if not token and token_file is None:
            raise ValueError("give a token or a file with one; it is made at “Your tokens”")

        def shown() -> str:
            return token if token_file is None else Path(token_file).read_text().strip()

        self._asking = Asking(server, shown, tries=max(1, tries), ca=ca, pool=pool)

    def me(self) -> dict[str, Any]:
        """Whose token this is, and what it opens."""
        return dict(self._asking.get("me"))

    def devices(self, /, **filters: Any) -> Iterator[DeviceRow]:
        """Devices by the filters of their list, as ``type="S12045(X)", lot="L7"``, all pages."""
        return self._pages("devices", filters)

    def device(self, serial: str) -> dict[str, Any]:
        """One device with what its verdicts rest on; a former serial finds it as well."""
        return dict(self._asking.get(place("devices", serial)))

    def values(
        self, serial: str, *, stage: str = "", quantity: str = "", every: bool = False
    ) -> list[Value]:
        """Measured values of one device; of many: `measurements`."""
        asked = {"stage": stage, "quantity": quantity, "every": every}
        return list(self._asking.get(place("devices", serial, "values"), **asked)["items"])

    def history(self, serial: str) -> list[dict[str, Any]]:
        """What happened to a device, the latest first."""
        return list(self._asking.get(place("devices", serial, "history"))["items"])

    def measurements(self, /, serials: Iterable[str] = (), **filters: Any) -> Measurements:
        """Values of devices by the filters of their list, a stage and a quantity."""
        return Measurements(self._asking, filters, serials)

    def register(
        self,
        devices: Sequence[Mapping[str, Any]],
        existing: Literal["refuse", "skip", "update"] = "refuse",
    ) -> list[Registered]:
        """Register devices, or bring them up to date; what was done with each, in their order.

        Up to 5000 are all done or none; more go in pieces of that size, one after the other, and
        what came before a piece that is refused is done. `Refused` has the row of each fault, from
        0 among all of them.
        """
        found: list[Registered] = []
        for start in range(0, len(devices), AT_ONCE):
            rows = [dict(one) for one in devices[start : start + AT_ONCE]]
            try:
                told = self._asking.post("devices", {"devices": rows, "existing": existing})
            except Refused as refused:
                refused.faults = [_in_all(one, start) for one in refused.faults]
                raise
            found += told["rows"]
        return found

    def change(self, serial: str, /, **fields: Any) -> dict[str, Any]:
        """Change where a device belongs: ``client.change("A0001", lot="L7", tray=None)``.

        None clears a field, what is not named stays, and ``tags`` are all that it has from then on.
        What the device is then; nothing where it is no longer among what the token sees.
        """
        headers = {"Content-Type": "application/json"}
        data = json.dumps(fields).encode()
        path = place("devices", serial)
        answer = self._asking.ask("PATCH", path, {}, data=data, headers=headers)
        return dict(json.loads(answer.data or b"{}"))

    def runs(self, /, **filters: Any) -> Iterator[RunRow]:
        """Runs by ``stage`` and ``station``, the newest first."""
        return self._pages("runs", filters)

    def told_run(self, number: int) -> RunRow:
        """One run with its devices, files, analyses and tasks."""
        found: RunRow = self._asking.get(place("runs", number))
        return found

    def run(self, station: str, devices: Mapping[int, str], /, **parameters: Any) -> StationRun:
        """A run of devices (by slot, from 1) at a station, for the length of a block::

        with client.run("darkbox-1", {1: "A0001", 2: "A0002"}, bias_v=[54.0]) as run:
            for line in run.log():
                print(line)
        """
        return StationRun(self._asking, station, devices, parameters)

    def measure(
        self,
        stage: str,
        devices: Mapping[int, str],
        /,
        *,
        spool: str | Path = "spool",
        station: str = "",
        **parameters: Any,
    ) -> OwnRun:
        """A run that this program measures itself, for the length of a block::

            with client.measure("darkbox", {1: "A0001"}, spool="spool") as run:
                write_run_file(run.path, run.config)

        Its file is brought at the end; `bring` brings what could not be.
        """
        return OwnRun(self._asking, stage, devices, parameters, Path(spool), station)

    def bring(self, spool: str | Path = "spool") -> list[int]:
        """Bring what lies in a spool, also of programs that ended; the numbers of the runs."""
        return [bring_one(self._asking, folder) for folder in spooled(Path(spool))]

    def ask(self, routine: str, /, *, priority: int = 5, **arguments: Any) -> TaskRow:
        """Ask for a task of a routine; ``client.listed("routines")`` are those that there are."""
        said = {"routine": routine, "arguments": arguments, "priority": priority}
        found: TaskRow = self._asking.post("tasks", said)
        return found

    def send(self, /, *parts: object, **said: Any) -> Any:
        """Any other change: ``client.send("moves", serials=["A0001"], move="hold", why="…")``."""
        return self._asking.post(place(*parts), said)

    def tasks(self, /, **filters: Any) -> Iterator[TaskRow]:
        """Tasks by ``state`` (one of them, ``open`` or ``ended``), the newest first."""
        return self._pages("tasks", filters)

    def task(self, number: int) -> TaskRow:
        """How a task goes, or went."""
        found: TaskRow = self._asking.get(place("tasks", number))
        return found

    def log(self, number: int) -> Iterator[str]:
        """Lines of a task's log, while they are written, to its end."""
        yield from log_lines(self._asking, number)

    def stop(self, number: int, reason: str = "") -> TaskRow:
        """Stop a task."""
        found: TaskRow = self._asking.post(place("tasks", number, "kill"), {"reason": reason})
        return found

    def listed(self, what: str, /, **filters: Any) -> Iterator[dict[str, Any]]:
        """Any other list: verdicts, analyses, limits, stages, stations, trays, shipments."""
        return self._pages(what, filters)

    def get(self, /, *parts: object, **asked: Any) -> Any:
        """Any other address: ``client.get("trays", "T-1")``."""
        return self._asking.get(place(*parts), **asked)

    def labels(self, path: str | Path, /, **asked: Any) -> Path:
        """Labels with codes as a file: ``client.labels("labels.pdf", tray="T-1", size="L7651")``.

        `asked` as ``/labels`` has it; ``serials`` with commas between.
        """
        target = Path(path)
        answer = self._asking.ask("GET", "labels", asked)
        with whole_file(target) as part:
            part.write_bytes(answer.data)
        return target

    def report(
        self,
        path: str | Path,
        about: str,
        /,
        *,
        kind: str = "device",
        language: str = "en",
        paper: str = "A4",
    ) -> Path:
        """A PDF report as a file: asked for, awaited, fetched.

        `about` is a device's serial, or the name or number of what a report of that kind is about.
        `Refused` with its reason where it could not be written.
        """
        task = self.ask("reports.write", kind=kind, number=about, language=language, paper=paper)
        while (told := self.task(task["id"]))["state"] not in ENDED:
            time.sleep(LOOK_S)
        if told["state"] != "succeeded":
            text = f"The report about {about} was not written: task {told['id']} {told['state']}"
            raise Refused(409, {"detail": f"{text}. {told['error']}"})
        target, number = Path(path), told["result"]["report"]
        answer = self._asking.ask("GET", place("reports", number, "file"), {})
        with whole_file(target) as part:
            part.write_bytes(answer.data)
        return target

    def download(self, file: int, path: str | Path, sha256: str = "") -> Path:
        """A run file by its number, gone on with where it was cut off, held against its SHA-256."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        for left in reversed(range(self._asking.tries)):
            try:
                self._bring(file, part)
                break
            except Away:
                if not left:
                    raise
        if sha256:
            with part.open("rb") as data:
                found = hashlib.file_digest(data, "sha256").hexdigest()
            if found != sha256:
                part.unlink()
                raise ValueError(f"file {file} arrived damaged: SHA-256 {found}, not {sha256}")
        return part.replace(target)

    def _bring(self, file: int, part: Path) -> None:
        start = part.stat().st_size if part.is_file() else 0
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = self._asking.ask("GET", place("files", file), {}, headers=headers, stream=True)
        except Refused as refused:
            if refused.status == ALL_THERE:
                return
            raise
        try:
            with part.open("ab" if answer.status == 206 else "wb") as data:
                # What came before a cut is kept.
                while piece := answer.read1(PIECE):
                    data.write(piece)
        except BROKEN as error:
            raise Away(f"file {file} was cut off: {error}") from error
        finally:
            answer.release_conn()

    def _pages(self, what: str, filters: Mapping[str, Any]) -> Iterator[Any]:
        after, path = None, place(*what.split("/"))
        while after != "":
            page = self._asking.get(path, **{"limit": PAGE, **filters, "after": after})
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise NotThere(404, {"detail": f"{what} is no list."})
            yield from page["items"]
            after = page.get("next") or ""


def _in_all(fault: Fault, start: int) -> Fault:
    """A fault of a piece that began at a row, with its row among all."""
    if found := ROW.fullmatch(fault.field):
        return Fault(found[2], fault.message, start + int(found[1]))
    return fault if fault.row is None else replace(fault, row=start + fault.row)
