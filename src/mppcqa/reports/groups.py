"""Reports about a tray, a lot, a run and chosen devices."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.public_address import PublicAddress
from mppcqa.reports.group import sections, written
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.look import look_about
from mppcqa.views.groups import lot_view, run_view_of, tray_view


def _tray(row: Any, _address: PublicAddress, paper: str) -> Written:
    return written(tray_view(row), _("Report of a tray"), paper, look_about(row), "tray")


def _lot(row: Any, _address: PublicAddress, paper: str) -> Written:
    return written(lot_view(row), _("Report of a lot"), paper, look_about(row), "lot")


def _run(row: Any, _address: PublicAddress, paper: str) -> Written:
    return written(run_view_of(row), _("Report of a run"), paper, look_about(row), "run")


KINDS = (
    ReportKind(
        "tray", gettext_lazy("Report of a tray"), "inventory.tray", _tray, sections=sections
    ),
    ReportKind("lot", gettext_lazy("Report of a lot"), "inventory.lot", _lot, sections=sections),
    ReportKind("run", gettext_lazy("Report of a run"), "runs.run", _run, sections=sections),
)
