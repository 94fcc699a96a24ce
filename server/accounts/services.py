"""Tokens: made once, shown once, stored as a hash."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from server.accounts.models import ApiToken, User

PREFIX = "wnw_"


def token_create(*, user: User, name: str, lifetime_days: int | None = None) -> tuple[ApiToken, str]:
    """A new token and its plain text, which is not stored and cannot be shown again."""
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
    live = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))
    token = (
        ApiToken.objects.select_related("user").filter(live, digest=token_digest(plain), user__is_active=True).first()
    )
    if token and (token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=1)):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token


def token_revoke(*, token: ApiToken) -> None:
    """Dead at once, and for good."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=Now())
