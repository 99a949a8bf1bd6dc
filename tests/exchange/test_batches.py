"""A folder or archive of measured files: each to its device, once, with one report."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from django.test import Client

from mppcqa.cli import main
from mppcqa.exchange.batches.contents import BatchRefused, files_of
from mppcqa.exchange.batches.report import write_report
from mppcqa.exchange.batches.taking import begin, preview, take
from mppcqa.exchange.models import Batch, BatchFile
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.models import Task
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.tables import TableError
from mppcqa.tables.name_patterns import NamePattern

BIAS = np.arange(45, 56, 0.5)


def curve(path: Path, shift: float = 0.0, unit: str = "(A)") -> None:
    current = 1e-10 + 1e-7 * np.maximum(BIAS - 51 - shift, 0) ** 2
    rows = [f"{v:.2f},{i:.6e}" for v, i in zip(BIAS, current, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([f"Voltage (V),Current {unit}", *rows]) + "\n")


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    """Four devices with good files, and one of each kind of trouble."""
    DeviceType.objects.create(name="S", rows=1, columns=1, nominal_breakdown_v=51.0)
    DeviceType.objects.create(name="A", rows=4, columns=4, nominal_breakdown_v=51.0)
    register_devices([{"serial": f"M-{n}", "device_type": "S"} for n in range(3)])
    register_devices([{"serial": "ARR-7", "device_type": "A"}])
    source = tmp_path / "campaign"
    for n in range(3):
        for temperature in ("p20C", "n10C"):
            shift = 0.01 * n + (0.3 if temperature == "p20C" else 0)
            curve(source / f"M-{n}" / f"iv_{temperature}.csv", shift)
    for channel in (4, 5):
        curve(source / f"ARR-7_ch{channel}_20C.csv", 0.1 * channel)
    curve(source / "M-99" / "iv_20C.csv")
    curve(source / "M-0" / "other_20C.csv", 0.7, unit="")
    (source / "M-1" / "copy_p20C.csv").write_bytes((source / "M-1/iv_p20C.csv").read_bytes())
    (source / "M-2" / "photo_20C.png").write_bytes(b"\x89PNG\r\n")
    (source / ".DS_Store").write_text("x")
    return source


def outcome(row: Batch) -> dict[str, tuple[str, str]]:
    return {one.name: (one.state, " ".join(one.why)) for one in row.files.all()}


def test_each_file_goes_to_its_device_or_says_why_not(folder: Path) -> None:
    row = begin(folder, "campaign")
    counts = take(row)
    found = outcome(row)
    assert (counts["files"], counts["taken"], counts["twice"], counts["refused"]) == (12, 8, 1, 3)
    assert (counts["devices"], counts["runs"]) == (4, 4)
    assert "neither its name" in found["M-99/iv_20C.csv"][1]
    assert "no unit" in found["M-0/other_20C.csv"][1]
    assert "the same content as M-1/copy_p20C.csv" in found["M-1/iv_p20C.csv"][1]
    assert "picture" in found["M-2/photo_20C.png"][1]
    runs = {slot.device.serial: slot.run for slot in RunSlot.objects.select_related("device")}
    assert runs["M-0"].files.count() == 2
    assert Task.objects.filter(name="results.analyse").count() == 4


def test_a_pattern_says_channel_and_conditions(folder: Path) -> None:
    row = begin(folder, "campaign", pattern="{serial}_ch{channel}_{temperature_c}C.csv")
    named = {one.name: said for one, said, _serial in preview(row)}
    assert named["ARR-7_ch4_20C.csv"].channel == 4
    assert dict(named["ARR-7_ch4_20C.csv"].conditions) == {"temperature_c": 20.0}
    assert named["M-0/iv_p20C.csv"] is None
    counts = take(row)
    assert counts["taken"] == 2
    from mppcqa.exchange.foreign.files import imported_parts

    parts = imported_parts(Run.objects.get())
    assert sorted(part.channels for part in parts) == [(4,), (5,)]
    assert {part.temperature_c for part in parts} == {20.0}


def test_the_same_batch_again_brings_nothing_twice(folder: Path) -> None:
    take(begin(folder, "campaign"))
    before = (Run.objects.count(), RunFile.objects.count())
    again = begin(folder, "campaign")
    counts = take(again)
    assert (counts["taken"], counts["twice"]) == (0, 9)
    assert (Run.objects.count(), RunFile.objects.count()) == before
    assert any("taken in as run" in " ".join(one.why) for one in again.files.all())


def test_a_batch_that_was_cut_off_goes_on(folder: Path) -> None:
    row = begin(folder, "campaign")

    class CutOff(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done >= 4:
            raise CutOff

    with pytest.raises(CutOff):
        take(row, cut)
    left = row.files.filter(state=BatchFile.State.WAITING).count()
    assert 0 < left < 12
    assert begin(folder, "campaign").pk == row.pk
    counts = take(row)
    assert (counts["taken"], counts["waiting"]) == (8, 0)
    assert counts["runs"] == 4


def test_a_name_that_contradicts_the_device_is_told(folder: Path) -> None:
    for path in folder.rglob("*.csv"):
        path.unlink()
    curve(folder / "M-1" / "M-2_20C.csv")
    row = begin(folder, "campaign", pattern="{serial}/{*}_{temperature_c}C.csv")
    take(row)
    state, why = outcome(row)["M-1/M-2_20C.csv"]
    assert state == "refused"
    assert "M-2, not M-1" in why


def test_an_archive_is_taken_as_a_folder_is(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "campaign.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    row = begin(packed, "campaign.zip")
    counts = take(row)
    assert (counts["files"], counts["taken"], counts["devices"]) == (12, 8, 4)
    text = io.StringIO()
    write_report(row, text)
    lines = list(csv.reader(io.StringIO(text.getvalue())))
    assert len(lines) == 13
    assert [line[3] for line in lines if line[0] == "M-1/iv_n10C.csv"] == ["M-1"]


def test_what_is_no_batch_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BatchRefused, match="neither a folder"):
        files_of(folder / "M-0" / "iv_p20C.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BatchRefused, match="no file"):
        files_of(tmp_path / "empty")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", bytes(64 << 20))
    with pytest.raises(BatchRefused, match="not opened"):
        files_of(bomb)
    with pytest.raises(TableError, match="at most once"):
        begin(folder, "x", pattern="{serial}{serial}")


@pytest.mark.parametrize(
    ("pattern", "name", "said"),
    [
        ("{serial}_{bias_v}V.csv", "x/a1_54,3V.CSV", ("A1", None, {"bias_v": 54.3})),
        ("{*}_{temperature_k}K.txt", "a_77K.txt", ("", None, {"temperature_c": -196.15})),
        ("{serial}/{light}_{*}.csv", "r/Q7/dark_3.csv", ("Q7", None, {"light": 0.0})),
        ("{serial}/ch{channel}.csv", "Q7/ch12.csv", ("Q7", 12, {})),
    ],
)
def test_patterns(pattern: str, name: str, said: tuple[str, int | None, dict[str, float]]) -> None:
    found = NamePattern.of(pattern).read(name)
    assert found is not None
    assert (found.serial, found.channel, dict(found.conditions)) == said


def test_the_command_and_its_report(folder: Path, tmp_path: Path) -> None:
    words = ["import", "foreign", str(folder), "--no-wait", "--report", str(tmp_path / "r.csv")]
    looked = CliRunner().invoke(main, [*words[:3], "--look"])
    assert looked.exit_code == 0, looked.output
    assert Batch.objects.count() == 0
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 1
    assert "8 taken in as 4 runs of 4 devices, 1 there already, 3 not taken in" in said.output
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 13


def test_the_page_looks_first_and_takes_in_by_the_queue(
    browser_client: Client, folder: Path, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*.csv")):
            archive.write(path, path.relative_to(folder).as_posix())
    packed.seek(0)
    packed.name = "campaign.zip"
    answer = browser_client.post("/runs/import/batches/", {"file": packed})
    row = Batch.objects.get()
    assert answer.headers["Location"] == row.get_absolute_url()
    page = browser_client.get(row.get_absolute_url()).content.decode()
    assert "M-0/iv_p20C.csv" in page
    pattern = {"pattern": "{serial}/iv_{temperature_c}C.csv", "action": "look"}
    page = browser_client.post(row.get_absolute_url(), pattern).content.decode()
    assert "temperature_c = 20" in page
    wrong = browser_client.post(row.get_absolute_url(), pattern | {"pattern": "{moon}"})
    assert wrong.status_code == 422
    browser_client.post(row.get_absolute_url(), {"pattern": "", "action": "take"})
    assert Task.objects.get(name="exchange.batch").arguments == {"batch_id": row.pk}
    row.refresh_from_db()
    take(row)
    page = browser_client.get(row.get_absolute_url()).content.decode()
    assert "M-99/iv_20C.csv" in page
    report = browser_client.get(f"{row.get_absolute_url()}report.csv").content.decode()
    assert len(report.splitlines()) == 12


def test_a_file_of_several_devices_goes_to_each(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "together"
    source.mkdir()
    rows = [
        f"{serial},{v:.2f},{1e-10 + 1e-7 * max(v - 51 - n, 0) ** 2:.4e}"
        for n, serial in enumerate(("M-0", "M-1"))
        for v in BIAS
    ]
    lines = ["Serial,Voltage (V),Current (A)", *rows]
    (source / "tray_20C.csv").write_text("\n".join(lines) + "\n")
    other = [line.replace("M-1", "M-98") for line in lines]
    (source / "more_20C.csv").write_text("\n".join(other) + "\n")
    row = begin(source, "together")
    counts = take(row)
    assert (counts["files"], counts["taken"], counts["devices"], counts["runs"]) == (2, 2, 2, 2)
    refused = row.files.get(name="more_20C.csv")
    assert refused.why == ["M-98 is not registered; register it first"]
    assert dict(row.files.exclude(part="").values_list("part", "device__serial")) == {
        "M-0": "M-0",
        "M-1": "M-1",
    }
    again = begin(source, "together")
    assert again.pk != row.pk
    assert take(again)["twice"] == 2
