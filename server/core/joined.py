"""Rows of a join as model instances, where every request asks the same: the ORM composes its query anew each time,
which costs ten times what asking it does."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Model


class Joined:
    """`Joined(m=Membership, p=Project)`: `columns` of tables aliased m and p to SELECT; `read` makes their instances.

    Columns that the ORM converts when it reads (JSON) are converted here too.
    """

    def __init__(self, **models: type[Model]) -> None:
        self._models = models

    @cached_property
    def columns(self) -> str:
        return ", ".join(
            f'{alias}."{field.column}"'
            for alias, model in self._models.items()
            for field in model._meta.concrete_fields
        )

    @cached_property
    def _parts(self) -> list[tuple[str, type[Model], list[str], list[tuple[int, Any]]]]:
        parts = []
        for alias, model in self._models.items():
            fields = model._meta.concrete_fields
            converted = [(i, field.from_db_value) for i, field in enumerate(fields) if hasattr(field, "from_db_value")]
            parts.append((alias, model, [field.attname for field in fields], converted))
        return parts

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """Alias → instance; None where an outer join found nothing."""
        found: dict[str, Any] = {}
        start = 0
        for alias, model, names, converted in self._parts:
            values = list(row[start : start + len(names)])
            start += len(names)
            if all(value is None for value in values):
                found[alias] = None
                continue
            for i, convert in converted:
                values[i] = convert(values[i], None, connection)
            found[alias] = model.from_db(connection.alias, names, values)
        return found
