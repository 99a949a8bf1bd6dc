"""Addresses of this area."""

from django.urls import path

from mppcqa.web.scan import views

urlpatterns = [path("scan/", views.scan, name="scan")]
