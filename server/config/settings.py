"""Django's names for what `env.py` holds. One module for every environment."""

import secrets
from pathlib import Path
from typing import Any

from server.config import dashboard
from server.config.env import ROOT, database_settings, get_env

env = get_env()
PRODUCTION = env.winnow_env == "production"
BASE_DIR = ROOT
DEBUG = env.debug


def _secret_key() -> str:
    """The given key; locally a generated one, kept in the state folder so that sessions survive a restart."""
    given = env.secret_key.get_secret_value()
    if given:
        return given
    path = env.winnow_state / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_urlsafe(64))
        path.chmod(0o600)
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.hosts
CSRF_TRUSTED_ORIGINS = [origin for origin in env.csrf_trusted_origins.split(",") if origin]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "tree_queries",
    "server.core",
    "server.accounts",
    "server.jobs",
    "server.projects",
    "server.taxonomy",
    "server.images",
    "server.registry",
    "server.embeddings",
    "server.predictions",
    "server.acquisition",
    "server.labeling",
    "server.snapshots",
    "server.training",
    "server.insights",
    "server.pipeline",
    "server.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "server.core.middleware.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "server.config.urls"
ASGI_APPLICATION = "server.config.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "server" / "api" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_LOCAL_DATABASE = f"postgresql://postgres@/winnow?host={env.winnow_state / 'postgres'}"
DATABASES = {"default": database_settings(env.database_url.get_secret_value() or _LOCAL_DATABASE)}
# Every thread of the web process keeps its connection: see `config.threaded` and `core.connections`.
DATABASES["default"] |= {"CONN_MAX_AGE": None}
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"]["OPTIONS"], "prepare_threshold": 5}  # type: ignore[dict-item]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "/login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.winnow_state / "static"
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.is_dir() else []
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = not PRODUCTION

MEDIA_ROOT = env.winnow_state / "media"
_FILES: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": str(MEDIA_ROOT), "file_permissions_mode": 0o640},
}
if env.s3_bucket:
    _FILES = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.s3_bucket,
            "endpoint_url": env.s3_endpoint_url or None,
            "access_key": env.s3_access_key.get_secret_value() or None,
            "secret_key": env.s3_secret_key.get_secret_value() or None,
            "region_name": env.s3_region or None,
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": True,
        },
    }
STORAGES: dict[str, Any] = {
    "default": _FILES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 500
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "server.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "server.api.errors.exception_handler",
    "DEFAULT_THROTTLE_RATES": {"export": "30/hour", "import": "600/hour"},
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Winnow",
    "DESCRIPTION": "Images in, trusted labels out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "POSTPROCESSING_HOOKS": ["server.api.schema.describe_errors"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

SESSION_ENGINE = "server.accounts.sessions"
AUTHENTICATION_BACKENDS = ["server.accounts.sessions.Accounts"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "server.api.pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.secure_ssl
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CELERY_BROKER_URL = env.celery_broker_url.get_secret_value() or f"redis+socket://{env.winnow_state}/redis/redis.sock"

WINNOW_CACHE_DIR: Path = env.cache_dir
WINNOW_DEVICE = env.winnow_device
WINNOW_DEFAULT_ENCODER = env.winnow_demo_encoder
WINNOW_IMPORT_ROOTS = env.import_roots
WINNOW_MAX_UPLOAD_BYTES = env.winnow_max_upload_bytes
WINNOW_MAX_ARCHIVE_BYTES = env.winnow_max_archive_bytes
WINNOW_MAX_PIXELS = env.winnow_max_pixels
WINNOW_SPACE_RETENTION_DAYS = 30
"""How long vectors of an encoder that no longer serves are kept, so that going back is one row and not a day."""
WINNOW_HEARTBEAT_S = 10.0
"""Between two signs of life of a worker; after six that are missing its work goes to another."""
WINNOW_FAILPOINT_DIR = ""
"""No places to stop at: only the settings of the tests name a folder (`server.core.failpoints`)."""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "server.core.log_lines.OneLine",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.log_level},
    "loggers": {"django.request": {"level": "ERROR"}},
}

UNFOLD = dashboard.UNFOLD
