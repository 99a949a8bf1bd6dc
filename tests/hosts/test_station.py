"""A computer of a station's own: a network namespace with the package, a token, the address."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from django.db import connection

from mppcqa.queue.models import State
from mppcqa.runs.models import StationContact
from tests.hosts.namespaces import hosts, why_not
from tests.station.bench import Bench, Web, at_work
from tests.workers import wait_until

WAITS = "while not (here / 'go').exists(): time.sleep(0.05)"


@pytest.mark.django_db(transaction=True)
def test_a_station_with_an_address_and_a_token_alone(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    if connection.vendor != "sqlite":
        pytest.skip("the database server listens on the loopback, which each host has for itself")
    with ExitStack() as stack:
        server, far = stack.enter_context(hosts(2))
        web = Web(server.address, server.prefix)
        web.start()
        stack.callback(web.stop)
        bench = Bench(tmp_path / "bench", f"http://{server.address}:{web.port}")
        bench.program(WAITS, size=3 << 20)
        stack.enter_context(at_work(bench, prefix=far.prefix))
        wait_until(StationContact.objects.exists, what=f"it says hello\n{bench.said()}")
        assert StationContact.objects.get().host == far.name
        run, task = bench.run()
        wait_until(lambda: bool(bench.begun()), what="the program begins")
        far.cut_off()
        (bench.folder / "go").touch()
        spool = bench.folder / "spool" / "attempts"
        wait_until(lambda: any(spool.glob("*/end.json")), what="it goes on, cut off")
        time.sleep(2)
        task.refresh_from_db()
        assert task.state == State.RUNNING
        far.connect()
        bench.until(task, State.SUCCEEDED, State.FAILED, State.LOST)
        assert task.state == State.SUCCEEDED, task.error_text
        assert (task.attempts.count(), bench.begun()) == (1, [str(run.pk)])
        folder = run.folders.get()
        assert (folder.path / "run.root").stat().st_size == 3 << 20
        # It has nothing else of the server's: no setting, no home, no open database.
        assert bench.process is not None
        agent = psutil.Process(bench.process.pid)
        assert not [name for name in agent.environ() if name.startswith("MPPCQA_")]
        assert not (bench.folder / ".mppcqa").exists()
        opened = [file.path for file in agent.open_files()]
        assert [one for one in opened if not one.startswith(os.fspath(bench.folder))] == []
