"""A run at a station, for as long as a block of a program lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from mppcqa.client._asking import Asking, Refused, place
from mppcqa.client._said import RunRow

ENDED = frozenset({"succeeded", "failed", "killed", "timed_out", "lost", "expired"})
"""States of a task, or of the tasks of a run together, that nothing follows."""
LOOK_S = 0.5


class RunFailed(Exception):
    """A run did not succeed; the text says which of its tasks, and why."""

    def __init__(self, run: RunRow) -> None:
        self.number, self.state, self.reason = run["id"], run["state"], reason_of(run)
        super().__init__(f"run {self.number}: {self.state}{self.reason and f': {self.reason}'}")


def reason_of(run: RunRow) -> str:
    """Why a run failed, by the first of its tasks that did: ``Check the run file: …``."""
    latest = {task["name"]: task for task in run.get("tasks", ())}  # of a repeated one the last
    ended = [one for one in latest.values() if one["state"] in ENDED - {"succeeded"}]
    first = next((one for one in ended if one.get("error")), None)
    return "" if first is None else f"{first.get('title') or first['name']}: {first['error']}"


class StationRun:
    """Devices are loaded and a run is started when the block begins; it is awaited at its end.

    Where the block raises, what still runs is stopped. The devices are taken out in any case. A run
    that does not succeed raises `RunFailed`, unless the block stopped it.
    """

    def __init__(
        self,
        asking: Asking,
        station: str,
        devices: Mapping[int, str],
        parameters: Mapping[str, Any],
    ) -> None:
        self._asking, self.station = asking, station
        self._devices, self._parameters = devices, parameters
        self.number = 0
        self._stopped = False

    def __repr__(self) -> str:
        devices = ", ".join(f"{slot}={serial}" for slot, serial in self._devices.items())
        return f"<run {self.number or 'not started'} at {self.station} of {devices}>"

    def __enter__(self) -> Self:
        slots = {str(slot): serial for slot, serial in self._devices.items()}
        self._asking.post(place("stations", self.station, "load"), {"slots": slots})
        try:
            body = {"parameters": dict(self._parameters)}
            self.number = self._asking.post(place("stations", self.station, "runs"), body)["id"]
        except BaseException:
            self._unload()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.stop(f"{type(error).__name__}: {error}"[:150])
        self.wait()
        self._unload()
        if error is None and not self._stopped and (told := self.told())["state"] != "succeeded":
            raise RunFailed(told)

    def told(self) -> RunRow:
        """The run as it stands now, with its tasks."""
        found: RunRow = self._asking.get(place("runs", self.number))
        return found

    @property
    def reason(self) -> str:
        """Why it failed, or nothing."""
        return reason_of(self.told())

    @property
    def state(self) -> str:
        """State of its tasks together."""
        return self.told()["state"]

    def wait(self, longest_s: float | None = None) -> str:
        """Wait for its end; the state. `TimeoutError` after so many seconds."""
        began = time.monotonic()
        while (state := self.state) not in ENDED:
            if longest_s is not None and time.monotonic() - began > longest_s:
                raise TimeoutError(f"run {self.number} is {state} after {longest_s:g} s")
            time.sleep(LOOK_S)
        return state

    def log(self) -> Iterator[str]:
        """Lines of its measurement's log, while they are written."""
        yield from log_lines(self._asking, self.told()["tasks"][0]["id"])

    def stop(self, reason: str = "") -> None:
        """Stop what of it waits or runs."""
        self._stopped = True
        for task in self.told()["tasks"]:
            if task["state"] not in ENDED:
                self._asking.post(place("tasks", task["id"], "kill"), {"reason": reason})

    def _unload(self) -> None:
        """Somebody may have taken them out already, or the station be busy with another run."""
        try:
            self._asking.post(place("stations", self.station, "unload"))
        except Refused as refused:
            if refused.status != 409:
                raise


def log_lines(asking: Asking, task: int) -> Iterator[str]:
    """Lines of a task's log, while they are written, to its end."""
    offset, more = 0, True
    while more:
        piece = asking.get(place("tasks", task, "log"), offset=offset)
        yield from piece["text"].splitlines()
        if offset == piece["offset"] and piece["more"]:
            time.sleep(LOOK_S)
        offset, more = piece["offset"], piece["more"]
