"""JSON Lines, CSV and Label Studio JSON: one row a label, no image bytes."""

import csv
import io
import json
from typing import IO

from server.snapshots.formats.base import ExportSource

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
"""One encoder for all rows: `json.dumps` makes one for each."""


def write_jsonl(source: ExportSource, target: IO[bytes]) -> None:
    """One JSON object a line (see `ExportSource.record`)."""
    for row in source.rows:
        target.write(AS_JSON(source.record(row)).encode() + b"\n")


def write_csv(source: ExportSource, target: IO[bytes]) -> None:
    """The same fields, UTF-8 with a header; of the promise its sentence and its bound.

    Text that a spreadsheet would run as a formula is quoted with '.
    """
    by_id = source.by_id
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    writer = None
    for row in source.rows:
        fields = source.record(row) | {"path": " / ".join(by_id[row.category_id]["path"])}
        promise = fields["promise"] or {}
        fields |= {"promise": promise.get("promise"), "certificate_bound": promise.get("bound")}
        if writer is None:
            writer = csv.DictWriter(text, fieldnames=list(fields))
            writer.writeheader()
        writer.writerow({key: _inert(value) for key, value in fields.items()})
    text.detach()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def write_labelstudio(source: ExportSource, target: IO[bytes]) -> None:
    """A Label Studio task list: choices named `choice` on an image named `image`; our fields in `meta`."""
    by_id = source.by_id
    target.write(b"[")
    for index, row in enumerate(source.rows):
        category = by_id[row.category_id]
        fields = source.record(row)
        result = {
            "from_name": "choice",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": [category["name"]]},
        }
        task = {
            "id": row.image_id,
            "data": {"image": fields["file_name"]},
            "meta": fields,
            "annotations": [{"result": [result], "was_cancelled": False, "ground_truth": row.blind}],
        }
        target.write((b",\n" if index else b"\n") + AS_JSON(task).encode())
    target.write(b"\n]\n")
