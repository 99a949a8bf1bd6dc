"""Addresses of this area."""

from django.urls import path

from mppcqa.web.labels import views

urlpatterns = [path("labels/", views.labels, name="labels")]
