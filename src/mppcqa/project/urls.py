"""Addresses: pages belong to the web room, what programs ask to the API."""

from django.urls import include, path

from mppcqa.api.unlisted import bad_request
from mppcqa.api.urls import urlpatterns as api
from mppcqa.web import problems

urlpatterns = [
    path("", include("mppcqa.web.urls")),
    *api,
]

handler400 = bad_request
handler403 = problems.forbidden
handler404 = problems.not_found
handler500 = problems.server_error
handler429 = problems.too_many_requests
"""django-allauth asks for it; Django itself knows no such page."""
