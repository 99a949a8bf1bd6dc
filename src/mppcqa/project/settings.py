"""Django settings. Everything that differs between installations comes from ``MPPCQA_…`` variables.

======================  ==========================================================================
``MPPCQA_HOME``         folder for all that the program writes; ``var/`` in a checkout,
                        ``~/.mppcqa`` otherwise
``MPPCQA_DATABASE``     ``sqlite:///path`` or ``mysql://user:password@host:3306/name``; options
                        behind a question mark, such as ``?ssl_mode=VERIFY_IDENTITY&ssl_ca=FILE``,
                        are listed in ``project/database.py``
``MPPCQA_BROKER``       ``filesystem://localhost`` or ``amqp://user:password@host:5672/vhost``
``MPPCQA_URL``          address at which others reach the pages: what QR codes and e-mails carry
``MPPCQA_HOSTS``        further host names that the server answers to, comma separated
``MPPCQA_SECRET_KEY``   by default made once and kept in ``MPPCQA_HOME``
``MPPCQA_DEBUG``        Django's debug pages; never on a machine that others reach
``MPPCQA_PROGRAM_VARIABLES``
                        names of further environment variables that test programs get, comma
                        separated (``LD_LIBRARY_PATH,ROOTSYS``)
``MPPCQA_PROGRAM_USER``  user of the operating system as whom workers and stations start test
                        programs, which then read no setting and no file of the program's own;
                        none: as themselves (``docs/deployment.md``)
``MPPCQA_PROGRAM_FOLDER``  folder of that user for what its programs write until it is taken over;
                        ``mppcqa-runs`` in its home
``MPPCQA_PROXIES``      proxies of yours before the server: their part of ``X-Forwarded-For`` counts
``MPPCQA_HSTS_S``       seconds for which browsers then refuse http (31536000); 0
``MPPCQA_REDIRECT``     1 sends who comes by http to https, where no proxy does
``MPPCQA_REMOTE_CONTROL``  1 opens Celery's remote control (``celery inspect``) to whoever has the
                        broker's account; off by default, nothing here needs it
``MPPCQA_PROGRAMS``     list of the programs that workers of this computer may run at stations;
                        ``programs.toml`` in ``MPPCQA_HOME`` (``docs/stations.md``)
``MPPCQA_COLUMNAR``     folder of the columnar copy; ``columnar`` in ``MPPCQA_HOME``
``MPPCQA_COLUMNAR_MEMORY``  memory of the columnar copy's reader (DuckDB) in each process that asks;
                        2GB, the rest goes to the folder. Answers are made in memory besides
``MPPCQA_COLUMNAR_CACHE_MB``  memory for values that were asked last, in each process that asks: of
                        the web server, and of workers, who write reports; 512
``MPPCQA_TYPED_COMMANDS``  1 lets workers run what people typed on a station's form: whoever may
                        edit stations then has a shell as the worker
``MPPCQA_STATION_LEASE_H``  hours that a station's computer may be silent before what it runs is
                        given up as lost; 24
``MPPCQA_BELL``         address at which stations reach ``mppcqa bell`` through a proxy
``MPPCQA_BACKUPS``      folder of backups, which had better be on another disk
``MPPCQA_BACKUPS_SECOND``  a second folder, at another place, to which each backup is copied
``MPPCQA_BACKUP_KEEP``  how many hourly, daily and weekly backups stay, ``24,14,8``
``MPPCQA_BACKUP_LEAST_MIN``  least minutes between two automatic backups
``MPPCQA_HOOK_HOSTS``   hosts of your own network that webhooks may tell, with commas between
                        (``lims.lan,10.0.0.7``), by http too; none: https to all the world alone
``MPPCQA_AUDIT_ANCHORS``  one more file for the daily anchors of the audit, on another disk or
                        computer; the first is ``audit-anchors.jsonl`` in ``MPPCQA_HOME``
``MPPCQA_SECOND_STORE``  a second folder, on a larger disk say, to which old run files go
``MPPCQA_SECOND_STORE_AFTER``  after how many days, stage by stage: ``darkbox=90,*=365``
``MPPCQA_DISK_WARN_PERCENT``  free share of the disk below which administrators are told; 10
``MPPCQA_DISK_STOP_PERCENT``  and below which no new run is begun, while those that run go on; 3
``MPPCQA_EXPORTS_GB``   of each person's exports: what stays, the oldest go first; 20
``MPPCQA_EXPORTS_WAITING``  how many of each person's exports may wait to be written; 20
``MPPCQA_UPLOADS_GB``   what each person, and each station, may bring within a day by pages and by
                        the API; 500, and 0 for as much as they like
``MPPCQA_METRICS_TOKEN``  secret with which a monitor reads ``/metrics``; none: administrators alone
``MPPCQA_IDLE_MIN``     minutes without a click after which a session ends; 120
``MPPCQA_CONSOLE_H``    hours for which a station's console and the board are still shown then; 12
``MPPCQA_SECOND_FACTOR``  of whom a code of the phone is demanded beside the password: ``roles``
                        (who releases or administers), ``all``, or ``offered``, of nobody
``MPPCQA_DIRECTORY``    file that says at which LDAP directory or OpenID Connect provider people log
                        in, and which role its groups have; ``directory.toml`` in ``MPPCQA_HOME``
                        (``docs/people.md``)
``MPPCQA_EMAIL``        ``smtp://user:password@host:587``; by default e-mail goes to the log
``MPPCQA_EMAIL_FROM``   sender of e-mails; ``mppcqa@localhost``
``MPPCQA_QUEUE_PREFIX``  begin of the queues' names, where two installations share a broker; mppcqa
``MPPCQA_COLUMNAR_KEEP_S``  seconds, of which answers are at most twice as old; 2
``MPPCQA_LEASE_S``      seconds after which a worker that is silent has lost its task; 30
``MPPCQA_KILL_GRACE_S``  seconds from TERM to KILL for a task that is stopped; 5
``MPPCQA_KEEP_LOGS_DAYS``  days for which logs of ended tasks stay; 365
``MPPCQA_LOG_FORMAT``   ``line``, or ``json``: an object a line for programs that read logs
``MPPCQA_ACCESS_LOG``   1 enters each request into the web server's log: who, from where, what,
                        how it ended and how long it took; never what was typed
``MPPCQA_SHIP_LOGS``    1 or 0: whether logs are copied into the database for other computers; by
                        default with a database server
``MPPCQA_SERVER``       address of the server on which ``mppcqa register, load, list …`` work where
                        none is named; this home without
``MPPCQA_TOKEN``        file with a person's token of that server
``MPPCQA_AS``           account for which these commands work on this home
``MPPCQA_CLOCK_AHEAD_S``  seconds by which this computer's clock is ahead, as a station found out
======================  ==========================================================================
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import environ
import jinja2
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from mppcqa.database import local_files
from mppcqa.home import CHECKOUT, close_to_others, home_folder, secret_key, served_at
from mppcqa.plugins import message_folders
from mppcqa.project.database import database_settings

try:
    import MySQLdb  # mysqlclient, where it was built: takes half of the other's time
except ImportError:
    import pymysql

    pymysql.install_as_MySQLdb()
    import MySQLdb
PYMYSQL = MySQLdb.__name__ == "pymysql"


def _host(url: SplitResult) -> str:
    """A host as Django compares it: IPv6 in brackets."""
    name = url.hostname or "localhost"
    return f"[{name}]" if ":" in name else name


env = environ.Env()
MPPCQA_HOME = home_folder()
PACKAGE = Path(__file__).resolve().parents[1]

DEBUG = env.bool("MPPCQA_DEBUG", default=False)
SECRET_KEY = env.str("MPPCQA_SECRET_KEY", default="") or secret_key(MPPCQA_HOME)
MPPCQA_URL = env.str("MPPCQA_URL", default="").rstrip("/")
# Where `mppcqa run` listens; others may know the server by another address, or by none.
MPPCQA_SERVED = env.str("MPPCQA_SERVED", default="") or served_at(MPPCQA_HOME)
_url = urlsplit(MPPCQA_URL or MPPCQA_SERVED)
if _url.scheme not in ("http", "https") or not _url.hostname or _url.username or _url.query:
    raise ImproperlyConfigured(
        "MPPCQA_URL must be an address such as https://qa.example.org, with http or https and "
        "without a name, password or question mark"
    )
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS += [_host(one) for one in (_url, urlsplit(MPPCQA_SERVED))]
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
    "django_celery_beat",
    "mppcqa.database",
    "mppcqa.audit",
    "mppcqa.store",
    "mppcqa.signing",
    "mppcqa.queue",
    "mppcqa.inventory",
    "mppcqa.runs",
    "mppcqa.results",
    "mppcqa.limits",
    "mppcqa.statistics",
    "mppcqa.columnar",
    "mppcqa.reports",
    "mppcqa.exchange",
    "mppcqa.bundles",
    "mppcqa.web",
    "allauth",
    "allauth.account",
    "mppcqa.api",
    "mppcqa.people",  # last: its roles have rights of all others
]

MIDDLEWARE = [
    "mppcqa.web.request_log.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "mppcqa.web.statics.Statics",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "mppcqa.web.zones.PersonsZone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "mppcqa.web.accounts.idle.Idle",
    "mppcqa.web.acting.Acting",
    "mppcqa.web.accounts.lost.LoginRequired",
    "mppcqa.web.bound.BoundPersons",
    "mppcqa.web.bringing.UploadQuota",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mppcqa.web.accounts.second.Demanded",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mppcqa.web.middleware.ContentSecurityPolicy",
    "mppcqa.web.middleware.OwnPages",
    "mppcqa.api.middleware.OwnAnswers",
]

ROOT_URLCONF = "mppcqa.project.urls"
WSGI_APPLICATION = "mppcqa.project.wsgi.application"

_context_processors = [
    "django.template.context_processors.request",
    "django.template.context_processors.i18n",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        # Pages of ours; a template lies beside the view that renders it.
        "BACKEND": "mppcqa.web.compiled.Pages",
        "NAME": "jinja2",
        "DIRS": [PACKAGE],
        "OPTIONS": {
            "environment": "mppcqa.web.jinja.environment",
            # What a view left out is empty, as in Django's own templates.
            "undefined": jinja2.ChainableUndefined,
            "context_processors": [*_context_processors, "mppcqa.web.compiled.one_token"],
        },
    },
    {
        # E-mails of django-allauth, and whatever else packages bring along.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": _context_processors},
    },
]
# Controls of forms too: Django has them in both kinds.
FORM_RENDERER = "django.forms.renderers.Jinja2"

_database, _warnings = database_settings(
    env.str("MPPCQA_DATABASE", default="") or f"sqlite:///{MPPCQA_HOME}/mppcqa.sqlite3",
    MPPCQA_HOME,
    local_files=local_files.allowed,
    pymysql=PYMYSQL,
)
for _warning in _warnings:
    print(f"mppcqa: {_warning}", file=sys.stderr)
DATABASES = {"default": _database}
if _database["ENGINE"].endswith("sqlite3"):
    # It may lie outside of the home; SQLite gives its other files the rights of this one.
    close_to_others(*(Path(f"{_database['NAME']}{end}") for end in ("", "-wal", "-shm")))
# Opening a database anew costs a page more than its queries.
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    # What all processes must know, such as how often a wrong password was tried. No server needed.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_shared_cache",
        # A full cache forgets a third of itself: many tries on many names must not fill it.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # What each process may find out for itself.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

MPPCQA_BROKER = env.str("MPPCQA_BROKER", default="filesystem://localhost")
# Two campaigns on one broker need different names.
MPPCQA_QUEUE_PREFIX = env.str("MPPCQA_QUEUE_PREFIX", default="mppcqa")
MPPCQA_PROGRAM_VARIABLES = env.list("MPPCQA_PROGRAM_VARIABLES", default=[])
if _ours := [name for name in MPPCQA_PROGRAM_VARIABLES if name.startswith("MPPCQA_")]:
    raise ImproperlyConfigured(
        f"MPPCQA_PROGRAM_VARIABLES names {', '.join(_ours)}: settings of mppcqa hold passwords and "
        "are never handed to test programs. Take them out."
    )
MPPCQA_PROGRAM_USER = env.str("MPPCQA_PROGRAM_USER", default="")
MPPCQA_PROGRAM_FOLDER = env.str("MPPCQA_PROGRAM_FOLDER", default="")
CELERY_BROKER_URL = MPPCQA_BROKER
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = f"{MPPCQA_QUEUE_PREFIX}.work"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "mppcqa.queue.intake:Consumer"
# Whoever has the broker's account could stop workers and read their settings, passwords among them.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = env.bool("MPPCQA_REMOTE_CONTROL", default=False)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
# A scheduler that is killed knows afterwards what it started; by default it forgets three minutes.
CELERY_BEAT_SYNC_EVERY = 1
if MPPCQA_BROKER.startswith("filesystem"):
    _broker_folder = MPPCQA_HOME / "broker"
    for _name in ("messages", "control"):
        (_broker_folder / _name).mkdir(parents=True, exist_ok=True)
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

# A page knows what its person is bound to from the query that knows the person.
AUTHENTICATION_BACKENDS = [
    "mppcqa.web.accounts.backend.Backend",
    "mppcqa.web.accounts.directory.Directory",  # says nothing where no directory is named
]
MPPCQA_DIRECTORY = env.str("MPPCQA_DIRECTORY", default="") or str(MPPCQA_HOME / "directory.toml")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "mppcqa.web.accounts.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
PASSWORD_RESET_TIMEOUT = 7 * 86_400  # links by which people choose a password
# Wrong passwords: who goes on waits longer, for an account up to an hour: nobody is locked out for
# days by the tries of somebody else.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,60/h/ip,300/d/ip,5/5m/key,12/h/key",
}
MPPCQA_IDLE_S = 60 * env.float("MPPCQA_IDLE_MIN", default=120.0)
MPPCQA_CONSOLE_S = 3600 * env.float("MPPCQA_CONSOLE_H", default=12.0)
if MPPCQA_IDLE_S <= 0:
    raise ImproperlyConfigured("MPPCQA_IDLE_MIN is a number of minutes, more than none")
MPPCQA_SECOND_FACTOR = env.str("MPPCQA_SECOND_FACTOR", default="offered")
if MPPCQA_SECOND_FACTOR not in ("offered", "roles", "all"):
    raise ImproperlyConfigured("MPPCQA_SECOND_FACTOR is offered, roles or all")
# How many of the addresses in X-Forwarded-For were written by proxies that belong to us.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("MPPCQA_PROXIES", default=0)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [PACKAGE / "web" / "locale", *message_folders()]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = MPPCQA_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # empty; WhiteNoise warns where it is not there
STATICFILES_DIRS = [
    ("vendor/tabler", CHECKOUT / "build/tabler"),
    ("vendor/tabler-icons", CHECKOUT / "build/icons"),
    ("vendor/zxing", CHECKOUT / "build/zxing"),
    ("vendor/vega", CHECKOUT / "build/static"),
]
STATICFILES_DIRS = [(prefix, folder) for prefix, folder in STATICFILES_DIRS if folder.is_dir()]
# Files are served from where they lie: no collecting step between an update and the pages.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = MPPCQA_HOME / "files"
STORAGES = {
    # What is kept for good; every backup has it.
    "default": {"BACKEND": "mppcqa.store.storage.WholeFiles"},
    # What can be asked for again, and goes after some days.
    "exports": {
        "BACKEND": "mppcqa.store.storage.WholeFiles",
        "OPTIONS": {"location": MPPCQA_HOME / "exports"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
CSRF_FAILURE_VIEW = "mppcqa.web.accounts.lost.csrf_failure"
MPPCQA_SECOND_STORE = env.str("MPPCQA_SECOND_STORE", default="")
MPPCQA_SECOND_STORE_AFTER = env.dict("MPPCQA_SECOND_STORE_AFTER", default={"*": "365"})
MPPCQA_DISK_WARN_PERCENT = env.float("MPPCQA_DISK_WARN_PERCENT", default=10.0)
MPPCQA_DISK_STOP_PERCENT = env.float("MPPCQA_DISK_STOP_PERCENT", default=3.0)
MPPCQA_EXPORTS_GB = env.float("MPPCQA_EXPORTS_GB", default=20.0)
MPPCQA_UPLOADS_GB = env.float("MPPCQA_UPLOADS_GB", default=500.0)
MPPCQA_EXPORTS_WAITING = env.int("MPPCQA_EXPORTS_WAITING", default=20)
# Derived from the database; every host has its own, or they share one on a common file system.
MPPCQA_COLUMNAR = Path(env.str("MPPCQA_COLUMNAR", default="") or MPPCQA_HOME / "columnar")
MPPCQA_COLUMNAR_MEMORY = env.str("MPPCQA_COLUMNAR_MEMORY", default="2GB")
MPPCQA_COLUMNAR_CACHE_MB = env.int("MPPCQA_COLUMNAR_CACHE_MB", default=512)
# Seconds for which questions take the campaign to be as it was.
MPPCQA_COLUMNAR_KEEP_S = env.float("MPPCQA_COLUMNAR_KEEP_S", default=2.0)
MPPCQA_PROGRAMS = Path(env.str("MPPCQA_PROGRAMS", default="") or MPPCQA_HOME / "programs.toml")
MPPCQA_TYPED_COMMANDS = env.bool("MPPCQA_TYPED_COMMANDS", default=False)
MPPCQA_STATION_LEASE_S = 3600 * env.float("MPPCQA_STATION_LEASE_H", default=24.0)
if MPPCQA_STATION_LEASE_S <= 0:
    raise ImproperlyConfigured("MPPCQA_STATION_LEASE_H is a number of hours, more than none")
MPPCQA_BELL = env.str("MPPCQA_BELL", default="")
# Hosts that webhooks may tell though they lie in our own network, or speak http alone.
MPPCQA_HOOK_HOSTS = env.list("MPPCQA_HOOK_HOSTS", default=[])
MPPCQA_AUDIT_ANCHORS = env.str("MPPCQA_AUDIT_ANCHORS", default="")
MPPCQA_METRICS_TOKEN = env.str("MPPCQA_METRICS_TOKEN", default="")
MPPCQA_BACKUPS = Path(env.str("MPPCQA_BACKUPS", default="") or MPPCQA_HOME / "backups").expanduser()
MPPCQA_BACKUPS_SECOND = env.str("MPPCQA_BACKUPS_SECOND", default="")
MPPCQA_BACKUP_KEEP = env.list("MPPCQA_BACKUP_KEEP", cast=int, default=[24, 14, 8])
if len(MPPCQA_BACKUP_KEEP) != 3 or min(MPPCQA_BACKUP_KEEP) < 1:
    raise ImproperlyConfigured(
        "MPPCQA_BACKUP_KEEP says how many hourly, daily and weekly backups stay, at least one of "
        "each: 24,14,8"
    )
MPPCQA_BACKUP_LEAST_MIN = env.float("MPPCQA_BACKUP_LEAST_MIN", default=50.0)

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _url.scheme == "https"
# Of this host alone: others of the domain are not ours to bind, nor is the browsers' own list.
SECURE_HSTS_SECONDS = env.int("MPPCQA_HSTS_S", default=0)
SECURE_SSL_REDIRECT = env.bool("MPPCQA_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # a monitor on the server itself asks without TLS
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if _url.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if env.str("MPPCQA_EMAIL", default=""):
    vars().update(env.email_url("MPPCQA_EMAIL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("MPPCQA_EMAIL_FROM", default="mppcqa@localhost")

_log_format = env.str("MPPCQA_LOG_FORMAT", default="line")
if _log_format not in ("line", "json"):
    raise ImproperlyConfigured("MPPCQA_LOG_FORMAT is line or json")
_access_log = env.bool("MPPCQA_ACCESS_LOG", default=False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "mppcqa.project.logs.Lines",
            "format": "{asctime} {levelname} {name}{of_request}: {message}",
            "style": "{",
        },
        "json": {"class": "mppcqa.project.logs.AsJson"},
    },
    "filters": {
        "refusals": {"()": "mppcqa.project.logs.RefusalsInOneLine"},
        "numbered": {"()": "mppcqa.project.logs.Numbered"},
        "untold": {"()": "mppcqa.web.untold.WithoutTokens"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": _log_format,
            "filters": ["numbered", "untold"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.request": {"filters": ["refusals"]},
        "django.security.DisallowedHost": {"filters": ["refusals"]},
        "mppcqa.access": {"level": "INFO" if _access_log else "WARNING"},
    },
}
