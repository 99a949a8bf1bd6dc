"""``/api/v1/webhooks``: who is told of what, made and changed, and what became of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from mppcqa.api.asking import one_of, with_right
from mppcqa.api.lists import MOST, USUAL, Text
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.exchange.hooks import actions
from mppcqa.exchange.hooks.models import RIGHT, Delivery, Webhook

hooks = Router(tags=["webhooks"])
Events = Annotated[list[Text], Field(max_length=20, examples=[["run.ended", "verdicts.changed"]])]
Address = Annotated[str, Field(max_length=500, examples=["https://lims.example.org/mppcqa"])]


class HookOut(Schema):
    """A webhook."""

    id: int
    uuid: str
    title: str
    url: str
    events: list[str]
    owner: str
    active: bool
    off_why: str = Field(description="Why the program switched it off; empty where a person did.")
    taken_at: dt.datetime | None = Field(description="When something was taken last.")


class HookMade(HookOut):
    """A webhook with its secret, which is told this once."""

    secret: str = Field(description="Signs what is sent; standardwebhooks.com says how.")


class HookList(Schema):
    """Webhooks."""

    items: list[HookOut]


class HookIn(Said):
    """A webhook."""

    title: Annotated[str, Field(max_length=100, examples=["laboratory journal"])]
    url: Address
    events: Events


class HookChange(Said):
    """What is to be changed; the rest stays."""

    title: Annotated[str, Field(max_length=100)] | None = None
    url: Address | None = None
    events: Events | None = None
    active: bool | None = Field(None, description="Whether anything is sent.")


class DeliveryOut(Schema):
    """What a webhook is told once."""

    id: str = Field(description="The same over all tries: the header webhook-id.")
    event: str
    at: dt.datetime
    state: str = Field(description="waiting, taken, given_up or withheld.")
    tries: int
    next_at: dt.datetime | None = Field(description="When it is sent next, where it waits.")
    status: int | None = Field(description="Of the last answer; null where none came.")
    answer: str
    body: dict[str, Any] = Field(description="As it is sent.")


class DeliveryList(Schema):
    """What a webhook was told, the newest first."""

    items: list[DeliveryOut]
    next: str | None = Field(description="What `after` of the next page is; null on the last.")


class DeliveryQuery(Schema):
    """Which deliveries."""

    state: Text = ""
    after: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = USUAL


def _hook(row: Webhook) -> dict[str, Any]:
    names = ("title", "url", "events", "active", "off_why", "taken_at")
    own = {name: getattr(row, name) for name in names}
    return {"id": row.pk, "uuid": str(row.uuid), "owner": row.owner.get_username(), **own}


def _delivery(row: Delivery) -> dict[str, Any]:
    names = ("event", "state", "tries", "next_at", "status", "answer")
    own = {name: getattr(row, name) for name in names}
    return {"id": str(row.uuid), "at": row.made_at, "body": json.loads(row.body), **own}


def _one(request: HttpRequest, number: int) -> Webhook:
    rows = Webhook.objects.visible_to(with_right(request, RIGHT)).select_related("owner")
    return one_of(rows, "webhook", pk=number)


@hooks.get("", response=HookList, summary="List webhooks")
def hook_list(request: HttpRequest) -> Any:
    """Your own; an administrator sees all."""
    rows = Webhook.objects.visible_to(with_right(request, RIGHT)).select_related("owner")
    return {"items": [_hook(row) for row in rows[:MOST]]}


@hooks.post("", response={201: HookMade}, summary="Make a webhook")
def make(request: HttpRequest, said: HookIn) -> Any:
    """It tells what you see; `secret` is in this answer and in no other, so no key repeats it."""
    row, secret = actions.make(with_right(request, RIGHT), said.title, said.url, said.events)
    return Status(201, {**_hook(row), "secret": secret})


@hooks.get("/{number}", response=HookOut, summary="One webhook")
def hook(request: HttpRequest, number: Path[Number]) -> Any:
    """A webhook as it is now."""
    return _hook(_one(request, number))


@hooks.patch("/{number}", response=HookOut, summary="Change a webhook")
def change(request: HttpRequest, number: Path[Number], said: HookChange) -> Any:
    """What is given; switched on again it goes on with what waited."""
    row = _one(request, number)
    actions.change(row, **said.model_dump())
    return _hook(row)


@hooks.delete("/{number}", response={204: None}, summary="Remove a webhook")
def remove(request: HttpRequest, number: Path[Number]) -> Any:
    """With all that it was told."""
    _one(request, number).delete()
    return Status(204, None)


@hooks.post("/{number}/renew", response=HookMade, summary="A new secret")
def renew(request: HttpRequest, number: Path[Number]) -> Any:
    """For a day the former one signs as well, so that nothing is lost meanwhile."""
    row = _one(request, number)
    secret = actions.renew(row)
    return {**_hook(row), "secret": secret}


@hooks.post("/{number}/test", response={202: DeliveryOut}, summary="Send a test")
def send_test(request: HttpRequest, number: Path[Number]) -> Any:
    """Something harmless, at once; its delivery says what became of it."""
    return Status(202, _delivery(actions.send_test(_one(request, number))))


@hooks.get("/{number}/deliveries", response=DeliveryList, summary="What a webhook was told")
def deliveries(request: HttpRequest, number: Path[Number], asked: Query[DeliveryQuery]) -> Any:
    """Of the last thirty days, and what still waits."""
    rows = _one(request, number).deliveries.all()
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.after:
        rows = rows.filter(pk__lt=int(asked.after))
    found = list(rows[: asked.limit + 1])
    more = len(found) > asked.limit
    found = found[: asked.limit]
    return {
        "items": [_delivery(row) for row in found],
        "next": str(found[-1].pk) if more else None,
    }


@hooks.post(
    "/{number}/deliveries/{delivery}/again", response={202: DeliveryOut}, summary="Send again"
)
def again(request: HttpRequest, number: Path[Number], delivery: UUID) -> Any:
    """By the same id: a receiver that has taken it drops it."""
    row = one_of(_one(request, number).deliveries.all(), "delivery", uuid=delivery)
    actions.again(row)
    row.refresh_from_db()
    return Status(202, _delivery(row))
