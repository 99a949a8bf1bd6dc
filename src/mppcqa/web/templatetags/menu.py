"""The main menu, and the part of the page that belongs to whoever is logged in."""

from __future__ import annotations

from django import template
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.web.rows import address, escaped

register = template.Library()

MENU = (
    ("", (("home", "home", gettext_noop("Home")),)),
    (
        gettext_noop("Devices"),
        (
            ("device_list", "cpu", gettext_noop("Devices")),
            ("tray_list", "grid-dots", gettext_noop("Trays")),
            ("device_register", "circle-plus", gettext_noop("Register")),
            ("import_list", "table-import", gettext_noop("Import")),
            ("shipment_list", "truck", gettext_noop("Shipments")),
            ("catalogue", "books", gettext_noop("Catalogue")),
        ),
    ),
    (
        gettext_noop("Tests"),
        (
            ("station_list", "plug-connected", gettext_noop("Stations")),
            ("run_list", "player-play", gettext_noop("Runs")),
            ("task_list", "list-check", gettext_noop("Queue")),
            ("worker_list", "server", gettext_noop("Workers")),
            ("schedule_list", "calendar-time", gettext_noop("Schedules")),
        ),
    ),
    (
        gettext_noop("Results"),
        (
            ("distribution", "chart-histogram", gettext_noop("Distributions")),
            ("yields", "chart-line", gettext_noop("Yields")),
            ("limit_sets", "ruler-measure", gettext_noop("Limits")),
            ("reanalysis_list", "refresh", gettext_noop("Re-analysis")),
        ),
    ),
)
NEEDS = {"import_list": "exchange.add_import"}
"""Right that a page needs to be in the menu."""


@register.simple_tag(takes_context=True)
def main_menu(context: template.Context) -> SafeString:
    """Headings and links; the section that this page is in is marked."""
    path, user = context["request"].path, context["user"]
    lines = []
    for heading, pages in MENU:
        if heading:
            lines.append(f'<li class="nav-heading">{escaped(_(heading))}</li>')
        for name, icon, title in pages:
            if name not in NEEDS or user.has_perm(NEEDS[name]):
                lines.append(_line(address(name), icon, _(title), path))
    return SafeString("\n".join(lines))


def _line(url: str, icon: str, title: str, path: str) -> str:
    here = path == url if url == "/" else path.startswith(url)
    # "Register" lies below "Devices": the deeper one is marked alone.
    if here and url == "/devices/" and path.startswith(("/devices/register", "/devices/generate")):
        here = False
    active, current = (" active", ' aria-current="page"') if here else ("", "")
    return (
        f'<li class="nav-item"><a class="nav-link{active}" href="{escaped(url)}"{current}>'
        f'<span class="nav-link-icon"><i class="ti ti-{icon}" aria-hidden="true"></i></span>'
        f'<span class="nav-link-title">{escaped(title)}</span></a></li>'
    )


@register.simple_tag(takes_context=True)
def account_part(context: template.Context) -> SafeString:
    """Language, notices, log-out: the same in the menu and in the bar, so made once."""
    found = get_template("web/parts/account.html").template
    with context.push():
        return found.render(context)
