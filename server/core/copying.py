"""PostgreSQL's binary COPY for rows of fixed size, packed and unpacked by numpy: no Python object a row.

Layout: PostgreSQL documentation, COPY, "Binary Format"; halfvec as pgvector's `halfvec_recv` reads it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
ROWS_AT_ONCE = 16384
INT8_OID, FLOAT4_OID = 20, 700


def copy_in(table: str, columns: Mapping[str, NDArray[Any]], *, frozen: bool = False) -> int:
    """Append rows to `table`. The dtype of a column chooses its type.

    int64 → bigint, float32 → real, float16 (P, D) → halfvec, int64 (P, k) → bigint[], float32 (P, k) → real[].
    `frozen`, for a table made in the same transaction: no reader and no vacuum has to go through its rows again.
    Returns the number of rows.
    """
    rows = len(next(iter(columns.values())))
    names = ", ".join(columns)
    command = f"COPY {table} ({names}) FROM STDIN WITH (FORMAT binary{', FREEZE' if frozen else ''})"
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for start in range(0, rows, ROWS_AT_ONCE):
            part = {name: values[start : start + ROWS_AT_ONCE] for name, values in columns.items()}
            copy.write(_pack(list(part.values())))
        copy.write(TRAILER)
    return rows


def copy_out(statement: str, params: Sequence[Any], *, dim: int) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Run a SELECT of (bigint, halfvec of `dim`) and return ids (P,) and vectors (P, D)."""
    row = np.dtype(
        [("n", ">i2"), ("il", ">i4"), ("id", ">i8"), ("vl", ">i4"), ("dim", ">i2"), ("_", ">i2"), ("v", ">f2", (dim,))]
    )
    command = f"COPY ({statement}) TO STDOUT WITH (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(command, params) as copy:
        data = b"".join(copy)
    body = memoryview(data)[len(HEADER) : -len(TRAILER)]
    if len(body) % row.itemsize:
        raise ValueError(f"expected rows of {dim} dimensions, and the table holds others")
    table = np.frombuffer(body, row)
    return table["id"].astype(np.int64), table["v"].astype(np.float16)


def _pack(columns: Sequence[NDArray[Any]]) -> bytes:
    fields: list[tuple[str, Any]] = [("n", ">i2")]
    for i, values in enumerate(columns):
        fields += [(f"{name}{i}", kind) for name, kind in _layout(values)]
    table = np.zeros(len(columns[0]), np.dtype(fields))
    table["n"] = len(columns)
    for i, values in enumerate(columns):
        _fill(table, i, values)
    return table.tobytes()


def _layout(values: NDArray[Any]) -> list[tuple[str, Any]]:
    """Fields of one column, each after the length that precedes it."""
    if values.ndim == 1:
        return [("size", ">i4"), ("value", _big_endian(values.dtype))]
    if values.dtype == np.float16:
        return [("size", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("value", (">f2", (values.shape[1],)))]
    element = np.dtype([("size", ">i4"), ("value", _big_endian(values.dtype))])
    head: list[tuple[str, Any]] = [(name, ">i4") for name in ("size", "dims", "nulls", "oid", "length", "lower")]
    return [*head, ("value", (element, (values.shape[1],)))]


def _fill(table: NDArray[Any], i: int, values: NDArray[Any]) -> None:
    if values.ndim == 1:
        table[f"size{i}"] = values.dtype.itemsize
        table[f"value{i}"] = values
    elif values.dtype == np.float16:
        table[f"size{i}"] = 4 + 2 * values.shape[1]
        table[f"dim{i}"] = values.shape[1]
        table[f"value{i}"] = values
    else:
        size = values.dtype.itemsize
        head = {
            "size": 20 + values.shape[1] * (4 + size),
            "dims": 1,
            "oid": INT8_OID if values.dtype == np.int64 else FLOAT4_OID,
            "length": values.shape[1],
            "lower": 1,
        }
        for name, value in head.items():
            table[f"{name}{i}"] = value
        table[f"value{i}"]["size"] = size
        table[f"value{i}"]["value"] = values


def _big_endian(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype not in (np.dtype(np.int64), np.dtype(np.float32)):
        raise TypeError(f"expected int64 or float32 columns, got {dtype}")
    return dtype.newbyteorder(">")
