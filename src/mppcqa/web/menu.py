"""The main menu: what there is, and where one is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.web.addresses import address
from mppcqa.web.bound import of_all

MENU = (
    ("", (("home", "home", gettext_noop("Home")),)),
    (
        gettext_noop("Devices"),
        (
            ("device_list", "cpu", gettext_noop("Devices")),
            ("tray_list", "grid-dots", gettext_noop("Trays")),
            ("device_register", "circle-plus", gettext_noop("Register")),
            ("import_list", "table-import", gettext_noop("Import")),
            ("case_list", "alert-triangle", gettext_noop("Not right")),
            ("shipment_list", "truck", gettext_noop("Shipments")),
            ("matching_list", "arrows-join", gettext_noop("Matching")),
        ),
    ),
    (
        gettext_noop("Tests"),
        (
            ("station_list", "plug-connected", gettext_noop("Stations")),
            ("checklist_list", "checklist", gettext_noop("Checklists")),
            ("run_list", "player-play", gettext_noop("Runs")),
            ("task_list", "list-check", gettext_noop("Queue")),
            ("worker_list", "server", gettext_noop("Workers")),
            ("schedule_list", "calendar-time", gettext_noop("Schedules")),
        ),
    ),
    (
        gettext_noop("Results"),
        (
            ("workbench", "chart-dots", gettext_noop("Workbench")),
            ("distribution", "chart-histogram", gettext_noop("Distributions")),
            ("yields", "chart-line", gettext_noop("Production")),
            ("capability", "target", gettext_noop("Capability")),
            ("station_statistics", "activity", gettext_noop("Stations compared")),
            ("fit_list", "zoom-check", gettext_noop("Quality of fits")),
            ("makers", "building-factory-2", gettext_noop("Makers' values")),
            ("report_list", "file-type-pdf", gettext_noop("Reports")),
            ("acceptance_list", "clipboard-check", gettext_noop("Acceptance of lots")),
            ("limit_sets", "ruler-measure", gettext_noop("Limits")),
            ("reanalysis_list", "refresh", gettext_noop("Re-analysis")),
            ("signature_list", "signature", gettext_noop("Signatures")),
        ),
    ),
    (
        gettext_noop("Set-up"),
        (
            ("catalogue", "books", gettext_noop("Catalogue")),
            ("instrument_list", "gauge", gettext_noop("Instruments")),
            ("procedure_list", "book", gettext_noop("Procedures")),
            ("person_list", "users", gettext_noop("People")),
            ("bundle_list", "package", gettext_noop("Bundles")),
            ("hook_list", "webhook", gettext_noop("Webhooks")),
        ),
    ),
)
NEEDS = {
    "import_list": "exchange.add_import",
    "bundle_list": "bundles.view_bundle",
    "device_register": "inventory.add_device",
    "person_list": "auth.view_user",
    "hook_list": "exchange.add_webhook",
    "reanalysis_list": "results.add_analysis",
}
"""Right that a page needs to be in the menu."""


@dataclass(frozen=True)
class Entry:
    """A page in the menu."""

    url: str
    icon: str
    title: str
    here: bool
    """Whether this is the section that the page shown is in."""


def main_menu(path: str, user: Any) -> list[tuple[str, list[Entry]]]:
    """Headings and what is below each, for a page at `path` that `user` looks at."""
    return [
        (
            _(heading) if heading else "",
            [
                Entry(address(name), icon, _(title), _is_here(path, address(name)))
                for name, icon, title in pages
                if (name not in NEEDS or user.has_perm(NEEDS[name])) and not of_all(name, user)
            ],
        )
        for heading, pages in MENU
    ]


def _is_here(path: str, url: str) -> bool:
    # "Register" lies below "Devices": the deeper one is marked alone.
    if url == "/devices/" and path.startswith(("/devices/register", "/devices/generate")):
        return False
    return path == url if url == "/" else path.startswith(url)
