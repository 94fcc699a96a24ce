"""Hugging Face Parquet: `data/<split>-00000-of-0000N.parquet` with image and ClassLabel columns, and a dataset card."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from server.snapshots.formats.base import ExportSource, file_name
from server.snapshots.formats.imagefolder import zip_entry
from server.snapshots.selectors import ExportRow

GROUP_BYTES = 16 * 1024 * 1024
SHARD_BYTES = 400 * 1024 * 1024
EXTRA = (
    "sha256",
    "category_id",
    "evidence",
    "blind",
    "votes",
    "annotator",
    "labeled_at",
    "original_name",
    "certificate",
    "promise",
)


def write_parquet(source: ExportSource, target: IO[bytes]) -> None:
    """A ZIP that unpacks to a folder which `datasets.load_dataset(folder)` reads as it is."""
    names = [source.folders[node["id"]] for node in source.categories]
    index = {node["id"]: position for position, node in enumerate(source.categories)}
    schema = _schema(names)
    with tempfile.TemporaryDirectory() as folder:
        shards = _Shards(Path(folder), schema)
        for row in source.rows:
            with source.original(row) as original:
                shards.add(row, original.read(), index[row.category_id], _fields(source, row))
        files = shards.close()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, path in files:
                with path.open("rb") as shard, archive.open(zip_entry(f"data/{name}"), "w") as entry:
                    shutil.copyfileobj(shard, entry, 1024 * 1024)
            archive.writestr(zip_entry("dataset.json", deflate=True), json.dumps(source.card(), ensure_ascii=False))
            archive.writestr(zip_entry("README.md", deflate=True), _card(source, names, files))


def _fields(source: ExportSource, row: ExportRow) -> dict[str, Any]:
    """A label's fields with the promise as its sentence; all that backs it stands in dataset.json."""
    fields = source.record(row)
    return fields | {"promise": fields["promise"] and fields["promise"]["promise"]}


def _schema(names: list[str]) -> pa.Schema:
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "label": {"names": names, "_type": "ClassLabel"},
    }
    kinds = {"category_id": pa.int64(), "blind": pa.bool_(), "votes": pa.int64(), "certificate": pa.int64()}
    columns = [(name, kinds.get(name, pa.string())) for name in EXTRA]
    words = {pa.int64(): "int64", pa.bool_(): "bool", pa.string(): "string"}
    features |= {name: {"dtype": words[kind], "_type": "Value"} for name, kind in columns}
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.schema(
        [("image", image), ("label", pa.int64()), *columns],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


class _Shards:
    """Open writers, one a split; a row group is flushed at GROUP_BYTES and a shard closed at SHARD_BYTES."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.held: dict[str, int] = {}
        self.writers: dict[str, tuple[pq.ParquetWriter, int]] = {}
        self.paths: dict[str, list[Path]] = {}

    def add(self, row: ExportRow, data: bytes, label: int, fields: dict[str, Any]) -> None:
        split = row.split
        values = {"image": {"bytes": data, "path": file_name(row)}, "label": label}
        self.rows.setdefault(split, []).append(values | {name: fields[name] for name in EXTRA})
        self.held[split] = self.held.get(split, 0) + len(data)
        if self.held[split] >= GROUP_BYTES:
            self._flush(split)

    def _flush(self, split: str) -> None:
        rows, size = self.rows.pop(split, []), self.held.pop(split, 0)
        if not rows:
            return
        writer, written = self.writers.get(split) or self._open(split)
        writer.write_table(pa.Table.from_pylist(rows, schema=self.schema))
        self.writers[split] = (writer, written + size)
        if written + size >= SHARD_BYTES:
            writer.close()
            del self.writers[split]

    def _open(self, split: str) -> tuple[pq.ParquetWriter, int]:
        paths = self.paths.setdefault(split, [])
        paths.append(self.folder / f"{split}-{len(paths)}.parquet")
        return pq.ParquetWriter(paths[-1], self.schema, compression="zstd"), 0

    def close(self) -> list[tuple[str, Path]]:
        """Flush and close everything; (final name, path) of each shard."""
        for split in list(self.rows):
            self._flush(split)
        for writer, _ in self.writers.values():
            writer.close()
        return [
            (f"{split}-{number:05d}-of-{len(paths):05d}.parquet", path)
            for split, paths in sorted(self.paths.items())
            for number, path in enumerate(paths)
        ]


def _card(source: ExportSource, names: list[str], files: list[tuple[str, Path]]) -> str:
    splits = sorted({name.split("-")[0] for name, _ in files})
    word = {"val": "validation"}
    listed = "".join(f"  - split: {word.get(split, split)}\n    path: data/{split}-*\n" for split in splits)
    return (
        "---\ntask_categories:\n- image-classification\nconfigs:\n- config_name: default\n  data_files:\n"
        f"{listed}---\n\n# {source.project_name}\n\n"
        f"{len(names)} categories. Snapshot `{source.snapshot_digest}`, taxonomy revision "
        f"{source.taxonomy_revision}. Labeled with Winnow.\n"
        + "".join(
            f"\n{card['promise']} {card.get('here', '')} Certificate {card['id']}, {card['head']}.\n"
            for card in source.certificates
        )
    )
