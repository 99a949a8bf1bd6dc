"""Brings one attempt to the server: log, bar, messages while it runs; then the file, then the end.

What the server has is asked of the server, so nothing is sent twice and nothing is left out,
whoever was ended in between.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from mppcqa.station.link import PIECE_BYTES, Link, Refused
from mppcqa.station.spool import RUN_FILE, Kept, read_json

LOG_BYTES = 256 << 10
LOOK_S, FRESH_EVERY_S = 0.1, 0.4
ASK_S, BELL_ASK_S = 0.8, 4.0
MOST_MESSAGES = 100
TELL_EVERY_S = 2.0


class Bringing:
    """One attempt on its way."""

    def __init__(self, kept: Kept, link: Link) -> None:
        self.kept, self.link = kept, link
        self.place = f"attempts/{kept.task}/{kept.attempt}"
        self.log_size: int | None = None
        self.messages = 0
        self.bar: Any = None
        self.asked_at = float("-inf")
        self.rest_s = LOOK_S
        self.sent: int | None = None
        self.counted = True

    def step(self, *, rang: bool, hears: bool) -> bool:
        """One request or a few; True once the server has all.

        It is asked at once where the bell `rang`, and seldom while somebody `hears` it.
        """
        end = self.kept.end
        fresh = self._is_fresh()
        waited_s = time.monotonic() - self.asked_at
        pause_s = FRESH_EVERY_S if fresh else BELL_ASK_S if hears else ASK_S
        due = rang or waited_s >= pause_s
        self.rest_s = LOOK_S
        if end is None and not due:
            return False
        if fresh or due or self.log_size is None:
            self._say_how_it_goes(end)
            if self._is_fresh():
                self.rest_s = 0.0
                return False
        # Looked at before what had to be said: all that was written before the end is said.
        return end is not None and self._bring_end(self.kept.end or end)

    def _log_there(self) -> int:
        try:
            return (self.kept.folder / "log").stat().st_size
        except FileNotFoundError:
            return 0

    def _messages(self) -> list[dict[str, Any]]:
        try:
            lines = (self.kept.folder / "said.jsonl").read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        found = []
        for number, line in enumerate(lines, 1):
            try:
                said = json.loads(line)
            except ValueError:  # cut by a full disk
                said = {"level": "info", "text": "(a message that could not be kept)"}
            found.append({"number": number, "level": said["level"], "text": said["text"]})
        return found

    def _is_fresh(self) -> bool:
        if self.log_size is None:
            return True
        bar = read_json(self.kept.folder / "bar.json")
        return (
            self._log_there() > self.log_size
            or bar != self.bar
            or len(self._messages()) > self.messages
        )

    def _say_how_it_goes(self, end: dict[str, Any] | None, bar: Any = None) -> None:
        offset, data = self.log_size or 0, b""
        if self.log_size is not None and self._log_there() > offset:
            with (self.kept.folder / "log").open("rb") as file:
                file.seek(offset)
                data = file.read(LOG_BYTES)
        bar = bar or read_json(self.kept.folder / "bar.json")
        messages = self._messages()[self.messages :][:MOST_MESSAGES]
        heard = self.link.post(
            f"{self.place}/going",
            log_offset=offset,
            log=base64.b64encode(data).decode(),
            progress=bar,
            messages=messages if self.log_size is not None else [],
        )
        self.asked_at = time.monotonic()
        self.log_size, self.messages = heard["log_size"], heard["messages"]
        self.bar = bar
        if heard["stop"] is not None:
            self._stop(end, heard["stop"])

    def _stop(self, end: dict[str, Any] | None, stop: dict[str, str]) -> None:
        if end is None:
            self.kept.ask_to_stop(stop["state"], stop["reason"])
        elif end["state"] == "succeeded" and stop["state"] != "succeeded":
            # It had ended, and its file was still on its way: that is not waited for.
            end = {**end, "state": stop["state"], "error": stop["reason"], "stopped": True}
            self.kept.write_end(end)

    def _bring_end(self, end: dict[str, Any]) -> bool:
        size, sha256 = int(end.get("size", 0)), str(end.get("sha256", ""))
        if sha256 and not end.get("stopped") and not self._bring_file(size):
            return False
        whole = not end.get("stopped")
        try:
            said = self.link.post(
                f"{self.place}/end",
                state=end["state"],
                error=str(end.get("error", ""))[:20_000],
                exit_status=end.get("exit_status"),
                run_s=end.get("run_s"),
                size=size if whole else 0,
                sha256=sha256 if whole else "",
            )
        except Refused as error:
            if not error.fields & {"size", "sha256"}:
                raise
            self.sent = None  # asked anew how much is there
            return False
        self.counted = bool(said["counted"]) and whole
        return True

    def _bring_file(self, size: int) -> bool:
        """A few pieces of the run file; True once the server has as much as there is."""
        if self.sent is None:
            self.sent = self.link.file_size(self.place)
        until = time.monotonic() + TELL_EVERY_S
        with (self.kept.folder / RUN_FILE).open("rb") as file:
            while self.sent < size:
                if time.monotonic() > until:
                    self._tell_how_much(size)
                    self.rest_s = 0.0
                    return False
                file.seek(self.sent)
                data = file.read(PIECE_BYTES)
                try:
                    self.sent = self.link.piece(
                        self.place, self.sent, data, hashlib.sha256(data).hexdigest()
                    )
                except Refused as error:
                    if "X-Piece-SHA256" not in error.fields:
                        raise
                    self.rest_s = LOOK_S
                    return False
        return True

    def _tell_how_much(self, size: int) -> None:
        here, all_of_it = (self.sent or 0) >> 20, max(1, size >> 20)
        text = f"brings its file, {here} of {all_of_it} MiB"
        bar = {"done": min(here, all_of_it), "total": all_of_it, "text": text}
        self._say_how_it_goes(self.kept.end, bar)
