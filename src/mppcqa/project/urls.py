"""Addresses: all pages belong to the web room."""

from django.urls import include, path

urlpatterns = [
    path("", include("mppcqa.web.urls")),
]
