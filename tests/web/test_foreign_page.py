"""Files of other programs come in from the page: looked at first, refused with a name if broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import uproot
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.exchange.foreign.convert import meta_of
from mppcqa.exchange.foreign.files import imported_parts
from mppcqa.exchange.foreign.mappings import ForeignMapping
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.models import Task
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import check
from mppcqa.runfile.imported import write_parts
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import get_stage
from tests.web.formfields import forms_of

PAGE = "/runs/import/"


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def device() -> str:
    DeviceType.objects.create(name="one", rows=1, columns=2)
    register_devices([{"serial": "P-1", "device_type": "one"}])
    return "P-1"


def test_a_partners_file_by_a_mapping_made_on_the_page(
    browser_client: Client, tmp_path: Path
) -> None:
    serial = device()
    form = {"action": "mapping", "name": "partner QDC", "format": "root", "kind": "charge"}
    form |= {"source-0": "qdc", "role-0": "charge", "scale-0": "0,5"}
    form |= {"source-1": "hv", "role-1": "bias_v", "unit-1": "mV"}
    assert browser_client.post(PAGE, form).status_code == 302
    assert ForeignMapping.objects.get().name == "partner QDC"
    q = np.random.default_rng(2).normal(100, 3, (800, 2)).astype("f4")
    path = tmp_path / "p.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"qdc": ("float32", (2,)), "hv": "float64"})
        file["t"].extend({"qdc": q, "hv": np.repeat([71_000.0, 72_000.0], 400)})
    asked = {"device": serial, "mapping": "partner QDC", "action": "look"}
    looked = browser_client.post(PAGE, asked | {"files": upload("p.root", path.read_bytes())})
    text = looked.content.decode()
    assert looked.status_code == 200
    assert "The files do not say it; fill it in." in text  # the temperature
    token = next(one.fields["token"] for one in forms_of(text, PAGE) if "token" in one.fields)[0]
    again = asked | {"token": token, "temperature_c": "21,5", "action": "import"}
    answer = browser_client.post(PAGE, again)
    run = Run.objects.get()
    assert answer.headers["Location"] == run.get_absolute_url()
    original = RunFile.objects.get(kind=RunFile.Kind.IMPORT)
    assert Path(original.file.path).read_bytes() == path.read_bytes()
    names = list(run.task_group.tasks.order_by("pk").values_list("name", flat=True))
    assert names[:3] == ["exchange.convert", "runs.check", "results.analyse"]

    # What the task does: a run file that passes the checker and holds the same charges.
    from mppcqa.runfile import RunWriter

    made = tmp_path / "made.root"
    parts = imported_parts(run)
    with RunWriter(made, meta_of(run, parts)) as writer:
        write_parts(writer, parts, None)
    assert check(made) == []
    with OpenRunFile(made) as opened:
        assert opened.conditions["bias_v"].tolist() == [71.0, 72.0]
        assert opened.conditions["temperature_c"].tolist() == [21.5, 21.5]
        np.testing.assert_allclose(opened.charges(1, 1), 0.5 * q[400:], rtol=1e-6)
    assert get_stage("stage2").analyse(made, {}).results == []  # one peak shows no gain


def test_broken_uploads_are_named_and_nothing_is_begun(browser_client: Client) -> None:
    serial = device()
    cases = {
        "noise.txt": (bytes(range(256)) * 30, ""),
        "cut.txt": (b"LECROY,1,W\nSegments,1,SegmentSize,9\nTime,Ampl\n1,2\n2,3\n", ""),
        "q.root": (b"root" + bytes(500), "partner"),
        "empty.csv": (b"", "IV curve: bias [V], current [A]"),
    }
    ForeignMapping.objects.create(
        name="partner",
        document={
            "name": "partner",
            "format": "root",
            "kind": "charge",
            "columns": [{"source": "q", "role": "charge"}],
        },
    )
    for name, (content, mapping) in cases.items():
        answer = browser_client.post(
            PAGE, {"device": serial, "mapping": mapping, "files": upload(name, content)}
        )
        assert answer.status_code == 422, name
        assert name in answer.content.decode(), name
    for form, words in (
        ({"device": serial, "token": "../../etc"}, "Choose at least one file"),
        ({"device": "NO-1", "files": upload("a.csv", b"1,2\n2,3\n")}, "NO-1 is not registered"),
        ({"action": "mapping", "name": "", "format": "table", "kind": "iv"}, "no column is"),
    ):
        answer = browser_client.post(PAGE, form)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not Run.objects.exists()
    assert not RunFile.objects.exists()
    assert not Task.objects.exists()
