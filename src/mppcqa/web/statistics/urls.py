"""Addresses of this area."""

from django.urls import path

from mppcqa.web.statistics import capability, distributions, makers, stations, yields

urlpatterns = [
    path("distributions/", distributions.distribution, name="distribution"),
    path("statistics/makers/", makers.makers, name="makers"),
    path("statistics/capability/", capability.capability, name="capability"),
    path("statistics/plan/<slug:stage>/", yields.plan_set, name="plan_set"),
    path("statistics/stations/", stations.station_statistics, name="station_statistics"),
    path("statistics/alarms/<int:pk>/close/", stations.alarm_close, name="alarm_close"),
    path("statistics/yield/", yields.yields, name="yields"),
]
