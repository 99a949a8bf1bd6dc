"""Django settings. Everything that differs between installations comes from ``MPPCQA_…`` variables.

======================  ==========================================================================
``MPPCQA_HOME``         folder for all that the program writes; ``var/`` in a checkout,
                        ``~/.mppcqa`` otherwise
``MPPCQA_DATABASE``     ``sqlite:///path`` or ``mysql://user:password@host:3306/name``
``MPPCQA_BROKER``       ``filesystem://localhost`` or ``amqp://user:password@host:5672/vhost``
``MPPCQA_URL``          address at which people (and QR codes) reach the pages
``MPPCQA_HOSTS``        further host names that the server answers to, comma separated
``MPPCQA_SECRET_KEY``   by default made once and kept in ``MPPCQA_HOME``
``MPPCQA_DEBUG``        Django's debug pages; never on a machine that others reach
``MPPCQA_EMAIL``        ``smtp://user:password@host:587``; by default e-mail goes to the log
======================  ==========================================================================
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.utils.translation import gettext_lazy as _

from mppcqa.home import CHECKOUT, home_folder, secret_key

try:
    import MySQLdb  # noqa: F401  # mysqlclient, where it was built: takes half of the other's time
except ImportError:
    import pymysql

    pymysql.install_as_MySQLdb()

env = environ.Env()
MPPCQA_HOME = home_folder()
PACKAGE = Path(__file__).resolve().parents[1]

DEBUG = env.bool("MPPCQA_DEBUG", default=False)
SECRET_KEY = env.str("MPPCQA_SECRET_KEY", default="") or secret_key(MPPCQA_HOME)
MPPCQA_URL = env.str("MPPCQA_URL", default="http://127.0.0.1:8000").rstrip("/")
_url = urlsplit(MPPCQA_URL)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", _url.hostname or "localhost"]
ALLOWED_HOSTS += env.list("MPPCQA_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = [f"{_url.scheme}://{_url.netloc}"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_bootstrap5",
    "django_celery_beat",
    "mppcqa.queue",
    "mppcqa.inventory",
    "mppcqa.testing",
    "mppcqa.statistics",
    "mppcqa.reports",
    "mppcqa.exchange",
    "mppcqa.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mppcqa.web.middleware.ContentSecurityPolicy",
]

ROOT_URLCONF = "mppcqa.project.urls"
WSGI_APPLICATION = "mppcqa.project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["mppcqa.web.templatetags.addresses"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": env.db_url("MPPCQA_DATABASE", default=f"sqlite:///{MPPCQA_HOME}/mppcqa.sqlite3")
}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # Write-ahead log, and a lock taken when a transaction begins: with deferred transactions
    # several writers fail with "database is locked" instead of waiting.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA cache_size=-16000;",
    }
    # A file, not memory, so that worker processes of a test see the same rows.
    _database["TEST"] = {"NAME": str(MPPCQA_HOME / "test.sqlite3")}
elif _database["ENGINE"].endswith("mysql"):
    _database["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        # Values are read as one text a device and analysis; a server cuts them at 1 MB or less.
        "init_command": "SET sql_mode='STRICT_TRANS_TABLES', default_storage_engine=INNODB, "
        "group_concat_max_len=16777216",
        "local_infile": True,
    }
    _database["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
# Opening a database anew costs a page more than its queries.
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MPPCQA_BROKER = env.str("MPPCQA_BROKER", default="filesystem://localhost")
# Two campaigns on one broker need different names.
MPPCQA_QUEUE_PREFIX = env.str("MPPCQA_QUEUE_PREFIX", default="mppcqa")
CELERY_BROKER_URL = MPPCQA_BROKER
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = f"{MPPCQA_QUEUE_PREFIX}.work"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
if MPPCQA_BROKER.startswith("filesystem"):
    _broker_folder = MPPCQA_HOME / "broker"
    for _name in ("messages", "control"):
        (_broker_folder / _name).mkdir(parents=True, exist_ok=True, mode=0o750)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_folder / "messages"),
        "data_folder_out": str(_broker_folder / "messages"),
        "control_folder": str(_broker_folder / "control"),
        # Kombu looks once a second by default; twenty times a second costs 0.7 % of a core.
        "polling_interval": 0.05,
    }
else:
    CELERY_TASK_QUEUE_MAX_PRIORITY = 9
    # Without a bound, whoever submits while the broker is away waits until it is back.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 1, "interval_start": 0, "interval_max": 0}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [PACKAGE / "web" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = MPPCQA_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # empty; WhiteNoise warns where it is not there
STATICFILES_DIRS = [
    ("vendor/tabler", CHECKOUT / "node_modules/@tabler/core/dist"),
    ("vendor/tabler-icons", CHECKOUT / "node_modules/@tabler/icons-webfont/dist"),
    ("vendor/vega", CHECKOUT / "build/static"),
]
STATICFILES_DIRS = [(prefix, folder) for prefix, folder in STATICFILES_DIRS if folder.is_dir()]
# Files are served from where they lie: no collecting step between an update and the pages.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# The label above a field says it already.
BOOTSTRAP5 = {"set_placeholder": False}
MEDIA_ROOT = MPPCQA_HOME / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o640
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _url.scheme == "https"
if _url.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if env.str("MPPCQA_EMAIL", default=""):
    vars().update(env.email_url("MPPCQA_EMAIL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("MPPCQA_EMAIL_FROM", default="mppcqa@localhost")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
