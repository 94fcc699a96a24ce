"""Keyset pages: stable while rows come and go, and as fast at the end as at the start."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Key:
    """One column of an order. The last one of every order is unique."""

    field: str
    descending: bool = False
    kind: type = int


NEWEST = (Key("id", descending=True),)
OLDEST = (Key("id"),)


def page(qs: QuerySet[Row], *, keys: tuple[Key, ...], cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """(rows, cursor of the next page or None)."""
    qs = qs.order_by(*[("-" if key.descending else "") + key.field for key in keys])
    if cursor:
        qs = qs.filter(_after(keys, read_cursor(cursor, keys)))
    rows = list(qs[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write_cursor([_value(last, key) for key in keys])


def _after(keys: tuple[Key, ...], values: list[Any]) -> Q:
    """Rows behind `values`: (a, b) > (x, y) spelled as a ≥ x and (a > x or b > y), so that an index on a is used."""
    first, value = keys[0], values[0]
    strict = Q(**{f"{first.field}__{'lt' if first.descending else 'gt'}": value})
    if len(keys) == 1:
        return strict
    loose = Q(**{f"{first.field}__{'lte' if first.descending else 'gte'}": value})
    return loose & (strict | _after(keys[1:], values[1:]))


def _value(row: Model, key: Key) -> Any:
    value: Any = row
    for part in key.field.split("__"):
        value = getattr(value, part)
    return value


def write_cursor(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def read_cursor(cursor: str, keys: tuple[Key, ...]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError
        typed = [key.kind(value) for key, value in zip(keys, values, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise serializers.ValidationError({"cursor": ["Not a cursor of this list."]}) from error
    if any(value != value or value in (float("inf"), float("-inf")) for value in typed):
        raise serializers.ValidationError({"cursor": ["Not a cursor of this list."]})
    return typed
