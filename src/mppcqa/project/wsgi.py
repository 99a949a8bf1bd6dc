"""Entry point of the web server (gunicorn)."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
application = get_wsgi_application()

# A thread that has its answer from the database waits for the one that computes: not for 5 ms.
sys.setswitchinterval(0.0005)
