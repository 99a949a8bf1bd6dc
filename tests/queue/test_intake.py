"""What is taken from a message, and that one which was not begun is handed back whole."""

from __future__ import annotations

from pathlib import Path

from mppcqa.queue.dispatch import CELERY_NAME
from mppcqa.queue.intake import renew
from tests.queue.test_folder import connect
from tests.waiting import PATIENCE_S


def test_a_message_that_is_handed_back_is_taken_again(tmp_path: Path) -> None:
    """A worker that ends hands back what it did not begin, as `intake.renew` has written it."""
    headers = {"task": CELERY_NAME, "id": "x", "timelimit": [1, 2, 3]}
    with connect(tmp_path) as connection, connection.SimpleQueue("q") as queue:
        queue.put([[], {}, {}], headers=headers)
        for _again in range(3):
            message = queue.get(timeout=PATIENCE_S)
            assert message.headers["task"] == CELERY_NAME
            assert renew(message)
            assert "timelimit" not in message.headers
            message.requeue()
        assert queue.get(timeout=PATIENCE_S).payload == [[], {}, {}]
