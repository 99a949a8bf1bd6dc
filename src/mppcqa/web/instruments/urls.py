"""Addresses of this area."""

from django.urls import path

from mppcqa.web.instruments import channels, views

urlpatterns = [
    path("instruments/", views.instrument_list, name="instrument_list"),
    path("instruments/<int:pk>/", views.instrument, name="instrument"),
    path("instruments/<int:pk>/place/", views.place, name="instrument_place"),
    path("instruments/<int:pk>/calibrate/", views.calibrate, name="instrument_calibrate"),
    path("calibrations/<int:pk>/withdraw/", views.withdraw, name="calibration_withdraw"),
    path("calibrations/<int:pk>/certificate/", views.certificate, name="certificate"),
    path("runs/<int:pk>/instruments/", views.run_instruments, name="run_instruments"),
    path("stations/<str:name>/channels/", channels.channel_map, name="channel_map"),
]
