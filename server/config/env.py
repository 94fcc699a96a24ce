"""The environment, typed in one place. An unknown or invalid value stops the process with a readable list."""

from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
KNOWN_WEAK_SECRETS = {"", "secret", "changeme", "change-me", "django-insecure", "password", "winnow"}


class Env(BaseSettings):
    """Every variable Winnow reads. `local` works with an empty environment; `production` has no default secrets."""

    model_config = SettingsConfigDict(env_file=None, case_sensitive=False, extra="ignore")

    winnow_env: Literal["local", "production"] = "local"
    winnow_state: Path = ROOT / ".winnow"
    """Folder of everything that `make run` keeps: database, bytes, logs, generated secrets."""
    secret_key: SecretStr = SecretStr("")
    debug: bool = False
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    csrf_trusted_origins: str = ""
    secure_ssl: bool = True
    """Production only: redirect to https and send HSTS. Off behind a proxy that already does both."""

    database_url: SecretStr = SecretStr("")
    celery_broker_url: SecretStr = SecretStr("")

    s3_bucket: str = ""
    s3_endpoint_url: str = ""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = ""

    winnow_device: Literal["auto", "cpu", "cuda"] = "auto"
    winnow_demo_encoder: str = "demo"
    """Encoder that new projects start with, named as `ml.encoders` names them."""
    winnow_import_roots: str = ""
    """Colon-separated folders that `import from a server folder` may read. Empty: the feature is off over REST."""
    winnow_max_upload_bytes: int = 64 * 1024 * 1024
    winnow_max_archive_bytes: int = 20 * 1024**3
    winnow_max_pixels: int = 50_000_000
    winnow_cache_dir: Path | None = None
    """Where memory-mapped spaces and encoder weights are kept. Default: WINNOW_STATE/cache."""
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _production_has_secrets(self) -> "Env":
        if self.winnow_env != "production":
            return self
        problems = []
        secret = self.secret_key.get_secret_value()
        if len(secret) < 50 or secret.lower() in KNOWN_WEAK_SECRETS or len(set(secret)) < 12:
            problems.append(
                "SECRET_KEY: expected at least 50 random characters; generate one with `openssl rand -base64 48`"
            )
        if not self.database_url.get_secret_value():
            problems.append("DATABASE_URL: expected postgresql://user:password@host:5432/name")
        elif (urlsplit(self.database_url.get_secret_value()).password or "").lower() in KNOWN_WEAK_SECRETS | {
            "postgres"
        }:
            problems.append("DATABASE_URL: the password is missing or a well-known default")
        if not self.celery_broker_url.get_secret_value():
            problems.append("CELERY_BROKER_URL: expected redis://:password@host:6379/0")
        if self.debug:
            problems.append("DEBUG: must be off")
        if "*" in self.allowed_hosts or not self.allowed_hosts:
            problems.append("ALLOWED_HOSTS: name the hosts; `*` is refused")
        if problems:
            raise ValueError("Winnow does not start in production with these settings:\n- " + "\n- ".join(problems))
        return self

    @property
    def hosts(self) -> list[str]:
        return [host.strip() for host in self.allowed_hosts.split(",") if host.strip()]

    @property
    def cache_dir(self) -> Path:
        return self.winnow_cache_dir or self.winnow_state / "cache"

    @property
    def import_roots(self) -> list[Path]:
        return [Path(part).resolve() for part in self.winnow_import_roots.split(":") if part]


@cache
def get_env() -> Env:
    """The environment of this process, read once."""
    return Env()


def database_settings(url: str) -> dict[str, object]:
    """Django's DATABASES entry for a postgresql:// URL; a `host` in the query names a Unix socket folder."""
    from urllib.parse import parse_qs

    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"DATABASE_URL: expected postgresql://…, got {parts.scheme or 'nothing'}://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }
