"""Format name → writer, file extension, content type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from server.snapshots.formats.base import ExportSource
from server.snapshots.formats.imagefolder import write_imagefolder
from server.snapshots.formats.parquet import write_parquet
from server.snapshots.formats.tables import write_csv, write_jsonl, write_labelstudio


@dataclass(frozen=True)
class Format:
    write: Callable[[ExportSource, IO[bytes]], None]
    extension: str
    content_type: str


FORMATS: dict[str, Format] = {
    "jsonl": Format(write_jsonl, "jsonl", "application/x-ndjson"),
    "csv": Format(write_csv, "csv", "text/csv; charset=utf-8"),
    "labelstudio": Format(write_labelstudio, "json", "application/json"),
    "imagefolder": Format(write_imagefolder, "zip", "application/zip"),
    "parquet": Format(write_parquet, "zip", "application/zip"),
}
