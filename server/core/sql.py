"""Plain SQL where one statement must do what the ORM needs several for: leases, ranking, COPY, swaps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

Params = Sequence[Any] | Mapping[str, Any]


class _Prepared(psycopg.Cursor[Any]):
    """Binds on the server and has it plan a statement once a connection."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        return super().execute(query, params, **{**how, "prepare": True})


def _cursor(hot: bool) -> Any:
    if not hot:
        return connection.cursor()
    connection.ensure_connection()
    make: Any = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return make(_Prepared(connection.connection))


def fetch_rows(statement: str, params: Params = (), *, hot: bool = False) -> list[tuple[Any, ...]]:
    """Every row as it comes.

    `hot` is for statements of every request that ask for a few rows by key: the server keeps their plan, which for
    the longest of them costs as much as running it.
    """
    with _cursor(hot) as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def fetch_all(statement: str, params: Params = (), *, hot: bool = False) -> list[dict[str, Any]]:
    """Every row as a dict of its columns."""
    with _cursor(hot) as cursor:
        cursor.execute(statement, params)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(statement: str, params: Params = (), *, hot: bool = False) -> dict[str, Any] | None:
    """The first row, or None."""
    return next(iter(fetch_all(statement, params, hot=hot)), None)


def fetch_value(statement: str, params: Params = (), *, hot: bool = False) -> Any:
    """The first column of the first row, or None."""
    with _cursor(hot) as cursor:
        cursor.execute(statement, params)
        row = cursor.fetchone()
        return row[0] if row else None


def execute(statement: str, params: Params = (), *, hot: bool = False) -> int:
    """Run a statement; the number of rows that it touched."""
    with _cursor(hot) as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


class Sent:
    """A statement that is on its way; its rows are there when the pipeline has ended."""

    def __init__(self, statement: str, params: Params) -> None:
        self._cursor = _cursor(hot=True)
        self._cursor.execute(statement, params)

    def all(self) -> list[dict[str, Any]]:
        names = [column[0] for column in self._cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self._cursor.fetchall()]

    def one(self) -> dict[str, Any] | None:
        return next(iter(self.all()), None)

    def value(self) -> Any:
        row = self._cursor.fetchone()
        return row[0] if row else None


@contextmanager
def pipeline() -> Iterator[None]:
    """Statements that do not wait for each other's rows go out together, `Sent` by `Sent`: one round trip for all."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def read_json(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """The row with these jsonb columns parsed: Django asks the driver for their text."""
    return {**row, **{name: json.loads(row[name]) for name in columns}}
