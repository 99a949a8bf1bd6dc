"""Addresses of the pages: each area has its own."""

from django.urls import include, path

AREAS = (
    "about",
    "acceptance",
    "accounts",
    "asking",
    "bundles",
    "cases",
    "catalogue",
    "changes",
    "checklists",
    "devices",
    "explorer",
    "exports",
    "fits",
    "foreign",
    "home",
    "imports",
    "instruments",
    "labels",
    "limits",
    "matching",
    "notices",
    "people",
    "procedures",
    "reanalysis",
    "reports",
    "runs",
    "scan",
    "schedules",
    "shipments",
    "stations",
    "statistics",
    "tasks",
    "trays",
    "watching",
    "workbench",
    "workers",
)

urlpatterns = [path("", include(f"mppcqa.web.{area}.urls")) for area in AREAS]
