"""The secret of a webhook and what it signs, as standardwebhooks.com lays down."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

from django.utils import timezone
from django.utils.crypto import salted_hmac

from mppcqa.exchange.hooks.models import Delivery, Webhook

BEGINS = "whsec_"
SALT = "mppcqa.exchange.hooks"
BOTH_SIGN = dt.timedelta(days=1)
"""For so long after a renewal the former secret signs as well: no delivery is lost meanwhile."""


def secret_of(hook: Webhook) -> str:
    """The secret: follows from the server's own key, the hook's uuid and its generation."""
    return BEGINS + base64.b64encode(_key(hook, hook.generation)).decode()


def _key(hook: Webhook, generation: int) -> bytes:
    return salted_hmac(SALT, f"{hook.uuid}:{generation}", algorithm="sha256").digest()


def headers_of(hook: Webhook, delivery: Delivery, at: int) -> dict[str, str]:
    """What signs the body of a delivery that is sent at a time (s since 1970)."""
    said = f"{delivery.uuid}.{at}.{delivery.body}".encode()
    generations = [hook.generation]
    if hook.generation and hook.renewed_at and timezone.now() - hook.renewed_at < BOTH_SIGN:
        generations.append(hook.generation - 1)
    sums = [hmac.new(_key(hook, one), said, hashlib.sha256).digest() for one in generations]
    return {
        "webhook-id": str(delivery.uuid),
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in sums),
    }
