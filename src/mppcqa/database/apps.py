"""The database room as a Django app: it has commands, and no tables."""

from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    name = "mppcqa.database"
    label = "database"
