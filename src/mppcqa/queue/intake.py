"""What a worker takes from a message: that it is one of ours, and nothing else.

Whoever reaches the broker may send anything. Celery believes a message's headers and body: limits
of time, moments, further tasks to call. What it doesn't expect there ends the worker, at once or
when a pool process comes free; the broker then hands that message to the next worker, which ends
too: one message stops the laboratory. So a message is written anew before Celery reads it, with
no more than its name. Nothing is lost by that, for the database knows what is to be done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

from mppcqa.queue.dispatch import CELERY_NAME, REAP_NAME

OURS = (CELERY_NAME, REAP_NAME)
KEPT = ("delivery_tag", "delivery_info", "delivery_mode", "body_encoding")


def renew(message: Any) -> bool:
    """Writes a message of ours anew, by its name alone; returns whether it is one of ours."""
    headers = message.headers
    name = headers.get("task") if isinstance(headers, dict) else None
    if not isinstance(name, str) or name not in OURS:
        return False
    message.headers = {"task": name, "id": str(uuid.uuid4()), "ignore_result": True}
    # What the transport itself needs to hand a message back that was not begun.
    message.properties = {key: message.properties[key] for key in KEPT if key in message.properties}
    message.content_type, message.content_encoding = "application/json", "utf-8"
    message.body, message._decoded_cache = b"[[], {}, {}]", None
    return True


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """Celery's, which no message stops."""

    def create_task_handler(self, *args: Any, **more: Any) -> Callable[[Any], Any]:
        take = super().create_task_handler(*args, **more)

        def on_task_received(message: Any) -> Any:
            try:
                return take(message) if renew(message) else self.on_unknown_message(None, message)
            except self.connection_errors:
                # The broker is away: the message comes again when it is back.
                raise
            except Exception as fault:  # whatever it is
                return self.on_invalid_task(None, message, fault)

        return on_task_received
