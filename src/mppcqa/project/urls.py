"""Addresses: all pages belong to the web room."""

from django.urls import include, path

from mppcqa.web import problems

urlpatterns = [
    path("", include("mppcqa.web.urls")),
]

handler400 = problems.bad_request
handler403 = problems.forbidden
handler404 = problems.not_found
handler500 = problems.server_error
handler429 = problems.too_many_requests
"""django-allauth asks for it; Django itself knows no such page."""
