"""Where images come from: folders and Parquet files. Everything is read lazily, one file at a time."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.core.errors import InvalidInput
from server.images.intake import Incoming

if TYPE_CHECKING:
    import pyarrow.parquet as pq

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif"}
"""What a folder is searched for. Those that are not supported are listed with a reason and not passed over."""
JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
PARQUET_ROWS = 64


def is_junk(name: str) -> bool:
    """Files that systems leave behind and nobody means to add."""
    parts = name.replace("\\", "/").split("/")
    return any(part in JUNK or part.startswith("._") for part in parts)


def label_of(name: str) -> str:
    """The folder that a file lies in, as ImageFolder names classes; "" at the top."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    return parts[-2] if len(parts) > 1 else ""


def folder_files(root: Path) -> Iterator[Incoming]:
    """Images below a folder in a fixed order, with their class folder as label. Links are not followed."""
    for current, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in JUNK)
        for name in sorted(files):
            path = Path(current) / name
            relative = path.relative_to(root).as_posix()
            if is_junk(relative) or path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            yield from one_file(path, name=relative)


def one_file(path: Path, *, name: str) -> Iterator[Incoming]:
    """One image file. A link is named as a problem: it may point anywhere."""
    if path.is_symlink():
        yield Incoming(name, None, problem=("link", "A symbolic link; links are not followed."))
        return
    try:
        file = path.open("rb")
    except OSError as error:
        yield Incoming(name, None, problem=("unreadable", f"Could not be opened: {error.strerror}"))
        return
    with file:
        yield Incoming(name, file, label=label_of(name))


def parquet_rows(path: Path, *, label_column: str | None = None) -> Iterator[Incoming]:
    """Images of a Parquet file as Hugging Face writes them: a struct of bytes and path, or a binary column.

    Raises:
        InvalidInput: there is no image column, or no column of the given name.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        image_column = _image_column(file)
        names = _class_names(file)
        if label_column and label_column not in file.schema_arrow.names:
            raise InvalidInput(f"{path.name} has no column {label_column!r}; it has {file.schema_arrow.names}.")
        columns = [image_column, *([label_column] if label_column else [])]
        row = 0
        for batch in file.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
            for values in batch.to_pylist():
                yield _parquet_incoming(path, row, values[image_column], _label(values, label_column, names))
                row += 1


def _parquet_incoming(path: Path, row: int, value: Any, label: str) -> Incoming:
    data = value.get("bytes") if isinstance(value, dict) else value
    name = (isinstance(value, dict) and value.get("path")) or f"{path.stem}-{row:06d}"
    if not isinstance(data, bytes):
        return Incoming(name, None, problem=("empty", "This row holds no image bytes."))
    return Incoming(name, io.BytesIO(data), label=label)


def _image_column(file: "pq.ParquetFile") -> str:
    import pyarrow as pa

    schema = file.schema_arrow
    for wanted in (_is_image_struct, lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        for field in schema:
            if wanted(field.type):
                return str(field.name)
    raise InvalidInput(f"No image column in {schema.names}: expected bytes, or a struct with a field “bytes”.")


def _is_image_struct(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def _class_names(file: "pq.ParquetFile") -> dict[str, list[str]]:
    """Names behind integer labels, where the file carries them as Hugging Face metadata."""
    raw = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(raw).get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return {key: value["names"] for key, value in features.items() if isinstance(value, dict) and "names" in value}


def _label(values: dict[str, Any], column: str | None, names: dict[str, list[str]]) -> str:
    if column is None or values[column] is None:
        return ""
    value = values[column]
    known = names.get(column)
    if known and isinstance(value, int) and 0 <= value < len(known):
        return known[value]
    return str(value)
