"""Addresses of this area."""

from django.urls import path

from mppcqa.web.trays import views

urlpatterns = [
    path("trays/", views.tray_list, name="tray_list"),
    path("trays/<path:name>/", views.tray, name="tray"),
]
