"""People, and their tokens: made once, shown once, stored as a hash."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from server.accounts.models import ApiToken, User
from server.core import sql
from server.core.errors import InvalidInput, LimitReached
from server.core.joined import Joined
from server.core.text import clean_line, clean_name

PREFIX = "wnw_"
BEARER = Joined(t=ApiToken, u=User)
LIMIT_TOKENS = 50
LIMIT_KEYMAP_BYTES = 8192


def user_update(*, user: User, changes: Mapping[str, Any]) -> User:
    """Change a person's keymap or first name; nothing else is theirs to set.

    Raises:
        InvalidInput: the keymap is larger than 8 KiB of JSON.
    """
    if "keymap" in changes:
        if len(json.dumps(changes["keymap"])) > LIMIT_KEYMAP_BYTES:
            raise InvalidInput("A keymap of more than 8 KiB is refused.")
        user.keymap = changes["keymap"]
    if "first_name" in changes:
        user.first_name = clean_line(changes["first_name"], max_length=150)
    user.save(update_fields=["keymap", "first_name"])
    return user


def tokens_of(*, user: User) -> QuerySet[ApiToken]:
    """Live and expired tokens, newest first; revoked ones are gone from sight."""
    return ApiToken.objects.filter(user=user, revoked_at__isnull=True)


def token_create(*, user: User, name: str, lifetime_days: int | None = None) -> tuple[ApiToken, str]:
    """A new token and its plain text, which is not stored and cannot be shown again."""
    if tokens_of(user=user).count() >= LIMIT_TOKENS:
        raise LimitReached(f"You have {LIMIT_TOKENS} tokens; revoke one that is no longer used.")
    name = clean_name(name, what="A token's name", max_length=100)
    plain = PREFIX + secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(days=lifetime_days) if lifetime_days else None
    token = ApiToken.objects.create(
        user=user, name=name, prefix=plain[:12], digest=token_digest(plain), expires_at=expires
    )
    return token, plain


def token_digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def token_authenticate(plain: str) -> ApiToken | None:
    """The live token of an active person, or None. One query; the last use is noted at most once a minute."""
    row = next(iter(sql.fetch_rows(_token_statement(), [token_digest(plain)], hot=True)), None)
    if row is None:
        return None
    read = BEARER.read(row)
    token: ApiToken = read["t"]
    token.user = read["u"]
    if token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token


@cache
def _token_statement() -> str:
    return f"""
SELECT {BEARER.columns} FROM accounts_apitoken t JOIN accounts_user u ON u.id = t.user_id
WHERE t.digest = %s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) AND u.is_active
"""


def token_revoke(*, token: ApiToken) -> None:
    """Dead at once, and for good."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=Now())
