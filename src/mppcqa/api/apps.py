"""The API as a Django app: it keeps answers."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mppcqa.api"
    label = "api"
