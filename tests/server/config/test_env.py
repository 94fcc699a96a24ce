"""Production starts with good settings or not at all, and says which are wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from server.config.env import Env

GOOD: dict[str, Any] = {
    "winnow_env": "production",
    "secret_key": "".join(chr(48 + n) for n in range(70)),
    "database_url": "postgresql://winnow:8d2kfj30sla@db:5432/winnow",
    "celery_broker_url": "redis://:98skd20dk@valkey:6379/0",
    "allowed_hosts": "winnow.example.org",
}


def test_good_settings_start() -> None:
    assert Env(**GOOD).hosts == ["winnow.example.org"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", ""),
        ("secret_key", "changeme"),
        ("secret_key", "short-but-random-9f3k2"),
        ("secret_key", "ab" * 40),
        ("database_url", ""),
        ("database_url", "postgresql://winnow@db:5432/winnow"),
        ("database_url", "postgresql://postgres:postgres@db:5432/winnow"),
        ("celery_broker_url", ""),
        ("debug", True),
        ("allowed_hosts", "*"),
        ("allowed_hosts", "winnow.example.org,*"),
        ("allowed_hosts", ""),
    ],
)
def test_a_bad_setting_is_named_and_nothing_starts(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name.upper()):
        Env(**{**GOOD, name: value})


def test_all_that_is_wrong_is_said_at_once_and_no_secret_is_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Env(**{**GOOD, "secret_key": "changeme-not", "debug": True, "allowed_hosts": "*"})
    assert all(name in str(caught.value) for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"))
    assert "changeme-not" not in str(caught.value)
    assert "8d2kfj30sla" not in str(caught.value)


def test_at_home_nothing_has_to_be_set() -> None:
    assert Env(winnow_env="local").hosts == ["localhost", "127.0.0.1", "[::1]"]
