"""Addresses of this area."""

from django.urls import path

from mppcqa.web.documentation import views

urlpatterns = [
    path("docs/", views.documentation, name="documentation"),
    path("docs/<path:place>", views.documentation_page, name="documentation_page"),
]
