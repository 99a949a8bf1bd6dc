"""The Celery application; its settings are those of Django that begin with ``CELERY_``."""

import os

from celery import Celery

from mppcqa.queue.folder import use_for_filesystem

use_for_filesystem()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
app = Celery("mppcqa")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
