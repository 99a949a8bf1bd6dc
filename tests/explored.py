"""A Stage 2 run with its file and its values, made by the stage's own program and analysis."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.results.ingest import store_analysis
from mppcqa.runs.files import save_file
from mppcqa.runs.models import Run, RunFile, RunSlot, Station
from mppcqa.stages import AnalysisResult, get_stage

PARAMETERS: dict[str, Any] = {
    "events": 1500,
    "bias_v": [71.8, 72.4],
    "temperatures_c": [15.0, 25.0],
    "waveforms": 12,
}


@cache
def _measured(what: str) -> Path:
    """The file of a run of some parameters and slots, measured once a session."""
    folder = Path(tempfile.mkdtemp(prefix="explored-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    parameters, slots = json.loads(what)
    config = {"run": 1, "stage": "stage2", "station": "s2", "operator": "rosa"}
    config |= {"parameters": parameters, "slots": slots}
    (folder / "run.json").write_text(json.dumps(config))
    output = folder / "run.root"
    program = get_stage("stage2").program()
    command = [*program, "--config", str(folder / "run.json"), "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True)
    return output


@cache
def _analysed(path: Path) -> AnalysisResult:
    return get_stage("stage2").analyse(path, {})


def make_explored(operator: User, folder: Path, devices: int = 2, **parameters: Any) -> Run:
    """A measured and analysed run of arrays of 2 x 2 channels."""
    DeviceType.objects.get_or_create(
        name="quad", defaults={"rows": 2, "columns": 2, "nominal_breakdown_v": 70.0}
    )
    first = Device.objects.count()
    rows = [{"serial": f"Q-{first + n}", "device_type": "quad"} for n in range(devices)]
    register_devices(rows, by=operator)
    found = list(Device.objects.filter(serial__in=[row["serial"] for row in rows]))
    stage = get_stage("stage2")
    station, _made = Station.objects.get_or_create(
        name="s2", defaults={"stage": "stage2", "slots": 4}
    )
    run = Run.objects.create(
        stage="stage2",
        station=station,
        operator=operator,
        parameters=stage.clean(PARAMETERS | parameters),
    )
    slots = dict(enumerate(found, 1))
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in slots.items()
    )
    listed = [
        {"slot": slot, "serial": device.serial, "rows": 2, "columns": 2, "channels": 4}
        for slot, device in slots.items()
    ]
    output = folder / "run.root"
    made = _measured(json.dumps([run.parameters, listed]))
    shutil.copy(made, output)
    row = save_file(output, kind=RunFile.Kind.RUN, run=run)
    analysed = _analysed(made)
    ids = {slot: device.pk for slot, device in slots.items()}
    store_analysis(stage, row, ids, analysed.results, analysed.problems)
    return run
