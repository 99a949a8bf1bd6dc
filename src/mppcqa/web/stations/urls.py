"""Addresses of this area."""

from django.urls import path

from mppcqa.web.stations import computer, console, lane, starting, views

urlpatterns = [
    path("stations/", views.station_list, name="station_list"),
    path("board/", console.board, name="board"),
    path("stations/<str:name>/", views.station, name="station"),
    path("stations/<str:name>/console/", console.console, name="console"),
    path("stations/<str:name>/load/", views.load, name="station_load"),
    path("stations/<str:name>/start/", starting.start, name="run_start"),
    path("stations/<str:name>/unload/", views.unload, name="station_unload"),
    path("stations/<str:name>/reserve/", lane.reserve, name="station_reserve"),
    path("stations/<str:name>/maintenance/", lane.maintenance, name="station_maintenance"),
    path("stations/<str:name>/computer/", computer.computer, name="station_computer"),
    path("stations/<str:name>/token/", computer.token_make, name="station_token_make"),
    path("stations/<str:name>/revoke/", computer.token_revoke, name="station_token_revoke"),
    path("stations/<str:name>/forget/", computer.forget, name="station_forget"),
]
