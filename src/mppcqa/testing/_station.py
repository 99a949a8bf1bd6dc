"""A station without hardware, queue or database: runs a test program as a real one is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mppcqa.runfile import check
from mppcqa.stages import Stage
from mppcqa.stages.filed_axes import file_axis_faults

PROGRESS = re.compile(r"^@progress (\d+)/(\d+)( .*)?$")


class ProgramFailed(Exception):
    """A test program did not do what it must; the message has what it said."""


@dataclass(frozen=True)
class Measured:
    """What a test program left."""

    path: Path
    """The run file, without a fault."""
    log: str
    """Standard output and error together."""
    progress: list[tuple[int, int]]
    """Each ``@progress n/N`` in order."""


class SimulatedStation:
    """Runs a stage's program, or one that is named, on devices that are only serial numbers."""

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        *,
        program: list[str] | None = None,
        name: str = "simulated",
        time_limit_s: float = 120.0,
    ) -> None:
        """`program` is a command to which ``--config`` and ``--output`` are added; by default the
        stage's own simulated one."""
        self.stage, self.folder, self.name = stage, folder, name
        self.program = stage.program() if program is None else program
        self.time_limit_s = time_limit_s
        self._runs = 0

    def config(
        self, devices: Mapping[str, int], parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a program is told: serial number -> channels in slots from 1 on, all parameters."""
        self._runs += 1
        slots = [
            {"slot": slot, "serial": serial, "channels": channels}
            for slot, (serial, channels) in enumerate(devices.items(), 1)
        ]
        return {
            "run": self._runs,
            "stage": self.stage.key,
            "station": self.name,
            "operator": "tester",
            "slots": slots,
            "parameters": self.stage.clean(parameters or {}),
        }

    def measure(
        self, devices: Mapping[str, int], parameters: Mapping[str, Any] | None = None
    ) -> Measured:
        """Run the program on devices: serial number -> number of channels.

        `parameters` are those that differ from the defaults. Raises `ValueError` for parameters
        that the stage refuses, and `ProgramFailed` with all that was said where the program ends
        badly, takes too long, or its file has a fault.
        """
        process, output = self.start(devices, parameters)
        try:
            log = process.communicate(timeout=self.time_limit_s)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            log = process.communicate()[0]
            raise ProgramFailed(f"no end within {self.time_limit_s:g} s:\n{log}") from None
        if process.returncode:
            raise ProgramFailed(f"exit status {process.returncode}:\n{log}")
        if faults := check(output) or file_axis_faults(output, self.stage):
            raise ProgramFailed("\n".join(f"{output.name}: {one}" for one in faults))
        found = [PROGRESS.match(line) for line in log.splitlines()]
        return Measured(output, log, [(int(one[1]), int(one[2])) for one in found if one])

    def start(
        self, devices: Mapping[str, int], parameters: Mapping[str, Any] | None = None
    ) -> tuple[subprocess.Popen[str], Path]:
        """Start the program and return at once: its process, and the file that it will write."""
        if not self.program:
            raise ProgramFailed(f"the stage {self.stage.key} has no test program; name one")
        config = self.config(devices, parameters)
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self.folder / f"run-{config['run']}.json"
        output = self.folder / f"run-{config['run']}.root"
        told.write_text(json.dumps(config), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - the program of the one who calls
            [*self.program, "--config", str(told), "--output", str(output)],
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return process, output
