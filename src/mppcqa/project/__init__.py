"""Settings and entry points. Importing it makes the Celery application the current one."""

from mppcqa.project.celery import app as celery_app

__all__ = ["celery_app"]
