"""All settings of emotune, read from the environment; with none set, everything runs on this one machine."""

import contextlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from emotune.production import problems

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool) -> bool:
    value = env(name, str(default)).lower()
    if value not in ("true", "false", "1", "0", "yes", "no"):
        raise ImproperlyConfigured(f"{name} is {value!r}; set it to true or false")
    return value in ("true", "1", "yes")


def env_int(name: str, default: int, least: int = 0, most: int | None = None) -> int:
    try:
        value = int(env(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {env(name)!r}; set it to a whole number") from None
    if value < least:
        raise ImproperlyConfigured(f"{name} is {value}; set it to {least} or more")
    if most is not None and value > most:
        raise ImproperlyConfigured(f"{name} is {value}; set it to {most} or less")
    return value


def env_choice(name: str, default: str, *choices: str) -> str:
    value = env(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; set it to one of {', '.join(choices)}")
    return value


def env_list(name: str, default: str) -> list[str]:
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


# How URLs look. What is wrong with one is not quoted: it may be a part of the password.
DATABASE_LOOKS = "postgres://user:password@host:5432/name or sqlite:///path"
REDIS_LOOKS = "redis://host:6379/0"
IN_PASSWORDS = "write / ? # @ in a password as %2F %3F %23 %40"


def address(name: str, url: str, looks: str) -> SplitResult:
    """Return the parts of a URL of which host and port can be asked for."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} must look like {looks}; {IN_PASSWORDS}") from None
    return parts


def database(url: str) -> dict[str, Any]:
    """Turn a DATABASE_URL (postgres://user:password@host:port/name or sqlite:///path) into Django's settings."""
    parts = address("DATABASE_URL", url, DATABASE_LOOKS)
    if parts.scheme == "sqlite" and parts.path.strip("/"):
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path[1:]), "OPTIONS": options}
    if parts.scheme in ("postgres", "postgresql") and parts.path.strip("/"):
        options = {
            # what is asked again and again is planned once for each connection
            "server_side_binding": True,
            "prepare_threshold": 5,
            # a server, or a network, that falls silent is an outage and not a wait for ever
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        return {
            "ENGINE": "emotune.postgres",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            # a new connection is a new process at the server, which has everything to plan anew
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options | connection_options(parts.query),
        }
    raise ImproperlyConfigured(f"DATABASE_URL must look like {DATABASE_LOOKS}; {IN_PASSWORDS}")


def connection_options(query: str) -> dict[str, str]:
    """Return what stands behind the `?` of a DATABASE_URL for PostgreSQL, such as `sslmode=verify-full`."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    try:
        given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        make_conninfo(**given)
    except (ValueError, ProgrammingError):
        raise ImproperlyConfigured(
            f"DATABASE_URL asks behind its ? for what PostgreSQL does not know; {IN_PASSWORDS}"
        ) from None
    return given


def secret_key() -> str:
    """Return SECRET_KEY, or one made once for this installation and kept in its data folder."""
    if given := env("SECRET_KEY"):
        return given
    file = DATA_DIR / "secret.key"
    try:
        if not file.exists():
            make_secret(file)
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"SECRET_KEY is not set, and none can be kept in {file}: {error.strerror}") from None


def make_secret(file: Path) -> None:
    """Write it whole under another name first: a process that starts at the same time never reads half of it."""
    part = file.with_name(f"secret.{secrets.token_hex(8)}.part")
    try:
        part.touch(mode=0o600)
        part.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def made(folder: Path, named: str = "", mode: int = 0o777) -> Path:
    """Return a folder, which is made unless it is there; `named` is the variable that names it, if one does."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        which = f"{named} is {folder}, which" if named else str(folder)
        raise ImproperlyConfigured(f"{which} cannot be made: {error.strerror}") from None
    return folder


def close_to_others(folder: Path) -> None:
    """Let nobody in but the folder's owner, where this process may say so."""
    if folder.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):
            folder.chmod(0o700)


def web_workers(cores: int) -> int:
    """Return how many web processes a machine gets: more than cores, for what one of them computes does not hold up who
    was sent to another; and no more than PostgreSQL lets in by itself, which is 100 connections. Each of eight threads
    keeps one, and workers need some.
    """
    return min(cores + min(cores, 4), 11)


# Everything that emotune writes by itself lies here: the SQLite file, the secret and the demonstration's audio. Other
# users of the machine have no business in it; a folder that somebody else made keeps the rights that it was given.
DATA_DIR = made(Path(env("EMOTUNE_DIR", str(BASE_DIR / "var"))).absolute(), "EMOTUNE_DIR", 0o700)
if DATA_DIR == BASE_DIR / "var":
    close_to_others(DATA_DIR)
if not os.access(DATA_DIR, os.W_OK | os.X_OK):
    raise ImproperlyConfigured(f"EMOTUNE_DIR is {DATA_DIR}, which cannot be written to")

# EMOTUNE_ENV=production refuses to start an installation for other people that is not fit for them.
PRODUCTION = env_choice("EMOTUNE_ENV", "local", "local", "production") == "production"
if PRODUCTION and (found := problems(os.environ)):
    raise ImproperlyConfigured("; ".join(found))

SECRET_KEY = secret_key()
DEBUG = env_bool("DEBUG", False)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "template_partials",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "detection",
    "catalogue",
    "playlists",
    "emotune.api",
]

MIDDLEWARE = [
    "emotune.logs.RequestLogMiddleware",
    "emotune.health.HealthMiddleware",
    "emotune.metrics.MetricsMiddleware",
    # around the session's, which writes too
    "accounts.answer_times.RoundedTimeMiddleware",
    "emotune.strangers.StrangersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "emotune.http.ContentSecurityPolicyMiddleware",
    "emotune.compression.CompressedStaticMiddleware",
    "emotune.http.PermissionsPolicyMiddleware",
    "emotune.api.middleware.ApiMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "emotune.api.middleware.AddressLimitMiddleware",
    "emotune.uploads.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "emotune.http.FragmentMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "emotune.urls"
WSGI_APPLICATION = "emotune.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    # lists, whose rows stand many times on a page (playlists/rows.py)
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja2"],
        "OPTIONS": {"environment": "playlists.rows.environment"},
    },
]

DATABASES = {"default": database(env("DATABASE_URL", f"sqlite:///{quote(str(DATA_DIR / 'emotune.sqlite3'))}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# `make run` starts a Redis-protocol server in memory at this address when no REDIS_URL is given.
REDIS_URL = env("REDIS_URL", "redis://127.0.0.1:6399/0")
redis_parts = address("REDIS_URL", REDIS_URL, REDIS_LOOKS)
# Celery knows no unix:// address
if redis_parts.scheme not in ("redis", "rediss") or not (redis_parts.path.strip("/") or "0").isdecimal():
    raise ImproperlyConfigured(f"REDIS_URL must look like {REDIS_LOOKS}; {IN_PASSWORDS}")

# At REDIS_URL too: limits on attempts hold for all web processes together.
CACHES = {"default": {"BACKEND": "emotune.cache.SharedCache"}}

# --- accounts -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = [
    "accounts.hashers.PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of accounts from before; renewed at their next login
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "detection:new"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# With a mail server, an address is proven before it can be used, and sign-up tells nobody whether it has an account.
ACCOUNT_EMAIL_VERIFICATION = env_choice(
    "EMAIL_VERIFICATION", "mandatory" if env("EMAIL_HOST") else "optional", "mandatory", "optional", "none"
)
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "add_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# By address (ip) and by account (key). What is not named here keeps allauth's own limit.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed_from_address": "10/m/ip,100/h/ip",  # ours, see accounts/adapter.py
    "login_failed": "5/5m/key",
    # lest anybody fills a mailbox; the key is the address that was typed, whether it has an account or not
    "reset_password": "20/m/ip,2/5m/key,5/h/key",
    "confirm_email": "1/3m/key",  # JUST_SENT says so, and the page on which one asks for a link
}
# What may tell who has an account is answered at multiples of so many seconds (accounts/answer_times.py).
ACCOUNT_ANSWERS_EVERY = 0.25
# A passkey logs in by itself, and is asked for after a password; recovery codes are for when it is lost.
MFA_ADAPTER = "accounts.adapter.PasskeyAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "edit_webauthn": "accounts.forms.EditPasskeyForm",
    "login_webauthn": "accounts.forms.LoginByPasskeyForm",
    "authenticate_webauthn": "accounts.forms.AuthenticateByPasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ReauthenticateByPasskeyForm",
    "authenticate": "accounts.forms.RecoveryCodeForm",
    "reauthenticate": "accounts.forms.ReauthenticateByCodeForm",
}
# Whose own address waits for its link is not let in to add a passkey, and one that is only wished for has no power
# (accounts/backends.py): neither has to keep passkeys and changes of address apart, as allauth would.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# How many proxies stand before the web process: limits by address count the person's, not the proxy's.
ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXIES", 0)
ACCOUNT_EMAIL_SUBJECT_PREFIX = "emotune: "

DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "emotune@localhost")
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 5
# Without a mail server, messages are printed by the web process, so that a link can be followed on one's own machine.
# An installation for others prints none: whoever reads its log could follow them, too.
SENDS_NO_MAIL = PRODUCTION and not EMAIL_HOST
_way = "smtp" if EMAIL_HOST else "dummy" if SENDS_NO_MAIL else "console"
EMAIL_BACKEND = f"django.core.mail.backends.{_way}.EmailBackend"

# --- the REST API -----------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["emotune.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["emotune.api.parsers.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "emotune.api.parsers.OneRenderer",
    "DEFAULT_SCHEMA_CLASS": "emotune.api.schema.ContractSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "emotune.api.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "emotune",
    "VERSION": "1",
    "DESCRIPTION": "Music that fits the emotion a face shows: everything that the pages can do, for programs.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "EmotionName": "emotune.emotions.EMOTIONS",
        "JobState": "emotune.jobs.JobState",
        "ClusteringState": "catalogue.models.Clustering.State",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "emotune.api.schema.complete"],
}
# Requests within a minute by one token (or one person who is logged in), and by one address.
API_TOKEN_LIMIT = env_int("API_TOKEN_LIMIT", 600)
API_ADDRESS_LIMIT = env_int("API_ADDRESS_LIMIT", 1200)
# Pages of other sites whose scripts may use the API, as in https://player.example.org.
CORS_ALLOWED_ORIGINS = env_list("CORS_ORIGINS", "")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
]
CORS_EXPOSE_HEADERS = [
    "Accept-Ranges",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Reset-In",
]

# --- uploads: picture bytes stay in memory --------------------------------------------------------------------------
CAPTURE_MAX_FRAMES = 5
CAPTURE_MAX_BYTES = 12 * 1024 * 1024
UPLOAD_MAX_BODY = 16 * 1024 * 1024
CAPTURE_TTL = timedelta(minutes=5)
CAPTURES_PER_MINUTE = env_int("CAPTURES_PER_MINUTE", 20)
# A worker reads up to so many waiting captures together; for more it waits so many milliseconds (docs/detection.md).
CAPTURE_BATCH = env_int("CAPTURE_BATCH", 4, least=1)
CAPTURE_BATCH_WAIT = env_int("CAPTURE_BATCH_WAIT_MS", 0, most=1000) / 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BODY
MODEL_DIR = Path(env("EMOTUNE_MODEL", str(BASE_DIR / "models" / "emotune")))

# --- tasks ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
# Their signals follow a request into its tasks, and count.
CELERY_IMPORTS = ("emotune.logs", "emotune.metrics", "emotune.retention", "detection.clock")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 15
CELERY_TASK_TIME_LIMIT = 20
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env_int("WORKER_CONCURRENCY", 1, least=1)
# A process that has grown to this many MiB is replaced after the task at hand; one that reads faces has about 300.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1024 * env_int("WORKER_MAX_MEMORY_MB", 700)
# A busy machine takes longer to load the reader than the four seconds that Celery gives a starting process.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 90
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A message that a dead worker had taken is delivered again after this many seconds.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # Publishing must not make a page wait for a broker that is away; a worker's own connection retries for ever.
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.2,
}

# Imports, clusterings and the like wait in a queue of their own (emotune/jobs.py), with an hour for each.
JOB_TIME_LIMIT = 3600
# Their files, such as an uploaded catalogue, lie here until the job is over. No address leads to them.
MEDIA_ROOT = FILE_UPLOAD_TEMP_DIR = made(DATA_DIR / "files", mode=0o700)
# A catalogue of a million tracks has 180 MB; larger bodies are read at these addresses alone, and go to files there.
# A history may have 100 MiB (playlists/imports.py), and the form around it some more.
LARGER_BODIES = {
    "/admin/catalogue/import/add/": 512 * 1024 * 1024,
    "/history/import/": 100 * 1024 * 1024 + 64 * 1024,
    "/api/v1/imports": 512 * 1024 * 1024,
    "/api/v1/history-imports": 100 * 1024 * 1024 + 64 * 1024,
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# What is due by the clock, all in the queue of jobs; names of tasks, so that settings import no app.
DUE = {
    "detection.refresh_unwatched": timedelta(seconds=30),
    "emotune.refresh_jobs": timedelta(minutes=1),
    "emotune.clear_sessions": timedelta(days=1),
    "emotune.forget_submissions": timedelta(days=1),
    "playlists.fit_company": timedelta(hours=6),
    "accounts.forget_old": timedelta(hours=6),
}
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": every, "options": {"queue": "jobs"}} for task, every in DUE.items()
}

# --- pages ----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = made(DATA_DIR / "static")  # whitenoise warns of a folder that is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
# A library of one's own: tracks whose `audio` is a path below this folder. The demonstration lies in it too.
AUDIO_ROOT = Path(env("EMOTUNE_AUDIO", str(DATA_DIR / "audio")))

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "frame-src": ["https://open.spotify.com"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("HTTPS", False)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A browser that came by https once keeps to it. Raise it to a year when nothing on the host needs plain http.
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 3600 if env_bool("HTTPS", False) else 0)
# Whether every host of the domain has https is known to whoever runs it, and sets HSTS_SUBDOMAINS. HSTS_PRELOAD, which
# lets a domain into the lists that browsers come with, is a wish of its own: it takes long to get out of them again.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("HSTS_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env_bool("HSTS_PRELOAD", False)
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured("HSTS_PRELOAD is true, but browsers list no domain without HSTS_SUBDOMAINS: set both")
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_SSL_REDIRECT = env_bool("HTTPS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("HTTPS", False) else None

# --- watching -------------------------------------------------------------------------------------------------------
# Without a token, /metrics answers this machine alone. A worker serves its own figures where a port is named.
METRICS_TOKEN = env("METRICS_TOKEN")
METRICS_DIR = made(Path(env("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))), "PROMETHEUS_MULTIPROC_DIR")
# Whether what processes of an earlier start counted there is thrown away (emotune/serve.py).
METRICS_START_EMPTY = env_bool("METRICS_START_EMPTY", False)
WORKER_METRICS_PORT = env_int("WORKER_METRICS_PORT", 0)
WORKER_METRICS_HOST = env("WORKER_METRICS_HOST", "127.0.0.1")
CORES = os.cpu_count() or 1
WEB_WORKERS = env_int("WEB_WORKERS", web_workers(CORES), least=1)

LOG_FORMAT = env_choice("LOG_FORMAT", "line", "line", "json")
LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "emotune.logs.RequestIdFilter"},
        "fit_for_a_line": {"()": "emotune.logs.FitForALine"},
        "one_line": {"()": "emotune.logs.WithoutTraceback"},
    },
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{request_id}{message}",
            "style": "{",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id", "fit_for_a_line"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"propagate": True, "handlers": []},
        # Host headers are forged by the thousand
        "django.security.DisallowedHost": {"filters": ["one_line"]},
    },
}
