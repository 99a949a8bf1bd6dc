"""A station with a token starts its programs as a user of their own where one is named."""

from __future__ import annotations

from mppcqa.queue.actions import kill
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State
from mppcqa.runs.models import StationContact
from tests.other_user import NOBODY, UID, folder_of_nobody, only_root, python_of_nobody
from tests.station.bench import Bench, at_work
from tests.workers import wait_until

PROGRAM = """
import os, pathlib, sys
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
try:
    open(TOKEN)
except PermissionError:
    print("closed")
print("uid", os.getuid())
(output.parent / "end.json").write_text("{}")
output.write_bytes(os.urandom(1000))
"""


@only_root
def test_it_reads_no_token_and_says_nothing_but_its_run_file(bench: Bench) -> None:
    with folder_of_nobody() as work:
        program = work / "program.py"
        program.write_text(PROGRAM.replace("TOKEN", repr(str(bench.token_file))))
        program.chmod(0o644)
        bench.list_programs([*python_of_nobody(), str(program)])
        named = {"MPPCQA_PROGRAM_USER": NOBODY, "MPPCQA_PROGRAM_FOLDER": str(work)}
        with at_work(bench, code=f"import os; os.environ.update({named!r})"):
            wait_until(StationContact.objects.exists, what="it says hello")
            _run, task = bench.run()
            bench.until(task, State.SUCCEEDED, State.FAILED)
            assert task.state == State.SUCCEEDED, task.error_text
        log = log_path(task.pk, 1).read_text()
        assert f"uid {UID}\n" in log
        assert "closed\n" in log
        assert list(work.iterdir()) == [program]


@only_root
def test_a_stop_makes_safe_before_the_run_file_is_brought(bench: Bench) -> None:
    with folder_of_nobody() as work:
        program = work / "program.py"
        program.write_text(PROGRAM.replace("TOKEN", repr("x")) + "import time; time.sleep(600)\n")
        program.write_text(program.read_text().replace("PermissionError", "OSError"))
        program.chmod(0o644)
        mark = work / "safe"
        safe = ["/bin/sh", "-c", f"ls {work}/*/run.root > {mark}"]
        bench.list_programs([*python_of_nobody(), str(program)], make_safe=safe)
        named = {"MPPCQA_PROGRAM_USER": NOBODY, "MPPCQA_PROGRAM_FOLDER": str(work)}
        with at_work(bench, code=f"import os; os.environ.update({named!r})"):
            wait_until(StationContact.objects.exists, what="it says hello")
            _run, task = bench.run()
            wait_until(lambda: list(work.glob("*/run.root")), what="it has written")
            kill(task, reason="enough")
            bench.until(task, State.KILLED)
            assert "/run.root" in mark.read_text()
            wait_until(lambda: not list(work.glob("*/run.root")), what="it is brought")
