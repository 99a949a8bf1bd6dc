"""Ask an mppcqa server from any program: typed, tried again where that is safe. Needs no Django.

    from mppcqa.client import Client

    client = Client("https://mppcqa.example.org", token_file="token")
    for device in client.devices(lot="L7", stage="darkbox", outcome="fail"):
        print(device["serial"], device["state"])
    table = client.measurements(lot="L7", quantity="dark_rate_hz").arrow()

A token is made at *Your tokens*. Each address, field and filter stands in ``/api/v1/openapi.json``
and in ``docs/api/persons.md``.
"""

from mppcqa.client._asking import Away, BadToken, Fault, NotThere, Refused
from mppcqa.client._brought import OwnRun
from mppcqa.client._client import Client
from mppcqa.client._measurements import Measurements
from mppcqa.client._run import ENDED, RunFailed, StationRun, reason_of
from mppcqa.client._said import DeviceRow, Registered, RunRow, TaskRow, Value

__all__ = [
    "ENDED",
    "Away",
    "BadToken",
    "Client",
    "DeviceRow",
    "Fault",
    "Measurements",
    "NotThere",
    "OwnRun",
    "Refused",
    "Registered",
    "RunFailed",
    "RunRow",
    "StationRun",
    "TaskRow",
    "Value",
    "reason_of",
]
