"""Addresses of this area."""

from django.urls import path

from mppcqa.web.reanalysis import views

urlpatterns = [
    path("reanalysis/", views.reanalysis_list, name="reanalysis_list"),
    path("reanalysis/<int:pk>/", views.reanalysis, name="reanalysis"),
]
