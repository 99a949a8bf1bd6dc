"""Addresses of this area."""

from django.urls import path

from mppcqa.web.about import views

urlpatterns = [
    path("about/", views.about, name="about"),
]
