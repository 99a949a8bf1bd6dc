"""Addresses of this area."""

from django.urls import path

from mppcqa.web.statistics import distributions, makers, yields

urlpatterns = [
    path("distributions/", distributions.distribution, name="distribution"),
    path("statistics/makers/", makers.makers, name="makers"),
    path("statistics/yield/", yields.yields, name="yields"),
]
