"""Plain SQL where one statement must do what the ORM needs several for: leases, ranking, COPY, swaps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

Params = Sequence[Any] | Mapping[str, Any]


def fetch_all(statement: str, params: Params = ()) -> list[dict[str, Any]]:
    """Every row as a dict of its columns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(statement: str, params: Params = ()) -> dict[str, Any] | None:
    """The first row, or None."""
    return next(iter(fetch_all(statement, params)), None)


def fetch_value(statement: str, params: Params = ()) -> Any:
    """The first column of the first row, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        row = cursor.fetchone()
        return row[0] if row else None


def execute(statement: str, params: Params = ()) -> int:
    """Run a statement; the number of rows that it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def read_json(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """The row with these jsonb columns parsed: Django asks the driver for their text."""
    return {**row, **{name: json.loads(row[name]) for name in columns}}
