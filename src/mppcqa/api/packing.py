"""What is done with shipments: packed, unpacked, received. Sending one is signed, at its page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Schema, Status
from pydantic import Field

from mppcqa.api.asking import one_of, with_right
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.places import ShipmentWhole, shipment, shipments
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.inventory import shipping
from mppcqa.inventory.models import Institute, Shipment
from mppcqa.inventory.receiving import receive

Serials = Annotated[list[Text], Field(max_length=5000, examples=[["A0001", "T-1"]])]


class Pack(Said):
    """A box."""

    origin: Text = Field(description="Institute.")
    destination: Text = Field(description="Institute.")
    serials: Serials = Field(description="Devices, or trays with all in them.")
    reference: Annotated[str, Field(max_length=100)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""
    exempt: Literal["", "return", "allowed"] = Field(
        "", description="Why devices that fail, or are on hold, may go all the same."
    )
    exempt_why: Annotated[str, Field(max_length=300)] = ""


def _place(name: str) -> Institute:
    return one_of(Institute.objects.all(), "institute", name=name)


@shipments.post("", response={201: ShipmentWhole}, summary="Pack a box")
@once
def pack(request: HttpRequest, said: Pack) -> Any:
    """Put devices into a box: all or none. It leaves once a person has signed for it."""
    user = with_right(request, "inventory.add_shipment")
    made = shipping.pack(
        _place(said.origin),
        _place(said.destination),
        said.serials,
        **said.model_dump(include={"reference", "note", "exempt", "exempt_why"}),
        by=user,
    )
    return Status(201, shipment(request, made.pk))


class Some(Said):
    """Devices, or trays with all in them."""

    serials: Serials


def _box(request: HttpRequest, number: int) -> tuple[Any, Shipment]:
    user = with_right(request, "inventory.change_shipment")
    return user, one_of(Shipment.objects.visible_to(user), "shipment", pk=number)


@shipments.post("/{number}/pack", response=ShipmentWhole, summary="Pack more into a box")
@once
def pack_more(request: HttpRequest, number: Path[Number], said: Some) -> Any:
    """Further devices into a box that was not sent; what is in it already is no fault."""
    user, row = _box(request, number)
    shipping.pack_more(row, said.serials, by=user)
    return shipment(request, number)


class Out(Schema):
    """What came out of a box; empty of all, it is none any more."""

    unpacked: int
    gone: bool = Field(False, description="Whether the box was empty then, and is no more.")


@shipments.post("/{number}/unpack", response=Out, summary="Take devices out of a box")
@once
def unpack(request: HttpRequest, number: Path[Number], said: Some) -> Any:
    """Some, or all where none is named."""
    user, row = _box(request, number)
    unpacked = shipping.unpack(row, said.serials or None, by=user)
    return {"unpacked": unpacked, "gone": row.pk is None}  # a row that was deleted has no key


class Arrived(Said):
    """What was in the box."""

    serials: Serials
    damaged: dict[Text, Text] = Field({}, description="Serial -> what is wrong with it.")
    missing_is_known: bool = Field(False, description="What was not scanned is missing.")
    others_are_known: bool = Field(False, description="What does not belong to it came along.")


@shipments.post("/{number}/receive", response=ShipmentWhole, summary="Receive a shipment")
@once
def arrived(request: HttpRequest, number: Path[Number], said: Arrived) -> Any:
    """What was scanned on arrival; differences are refused where they are not known."""
    user, row = _box(request, number)
    receive(
        row,
        said.serials,
        damaged=said.damaged,
        missing_is_known=said.missing_is_known,
        others_are_known=said.others_are_known,
        by=user,
    )
    return shipment(request, number)
