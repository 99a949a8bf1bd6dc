"""What our queue is compared with: Celery alone, its result backend in the same database."""

from __future__ import annotations

import json
import os
import sys
import time
from urllib.parse import urlsplit

from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

HOME = os.environ["MPPCQA_HOME"]


def database_url() -> str:
    """``MPPCQA_DATABASE`` as SQLAlchemy writes it."""
    given = os.environ["MPPCQA_DATABASE"]
    if urlsplit(given).scheme == "mysql":
        return given.replace("mysql://", "mysql+pymysql://", 1)
    return given


app = Celery("bare", broker=os.environ["MPPCQA_BROKER"], backend="db+" + database_url())
app.conf.task_serializer = "json"
app.conf.accept_content = ["json"]
app.conf.task_default_queue = "bare-" + os.path.basename(HOME)  # noqa: PTH119
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = True
if database_url().startswith("sqlite"):
    app.conf.database_engine_options = {"connect_args": {"timeout": 20}}
if app.conf.broker_url.startswith("filesystem"):
    app.conf.broker_transport_options = {
        "data_folder_in": f"{HOME}/broker/messages",
        "data_folder_out": f"{HOME}/broker/messages",
        "control_folder": f"{HOME}/broker/control",
        "polling_interval": 0.05,
    }


@app.task(name="bare.nothing")
def nothing() -> None:
    return None


def ended() -> int:
    with create_engine(database_url()).connect() as connection:
        try:
            found = connection.execute(
                text("SELECT COUNT(*) FROM celery_taskmeta WHERE status = 'SUCCESS'")
            )
        except OperationalError:
            return 0  # the table is made with the first result
        return int(found.scalar_one())


def main(number: int) -> None:
    """Send `number` empty tasks and wait for their results; seconds as JSON."""
    there = ended()
    nothing.delay()
    while ended() <= there:
        time.sleep(0.1)
    there = ended()
    started = time.perf_counter()
    for _ in range(number):
        nothing.delay()
    while ended() < there + number:
        time.sleep(0.05)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
