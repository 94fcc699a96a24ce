"""Where bytes lie. Keys follow from the hash, so the same bytes are the same file and a retry overwrites nothing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import timezone

THUMB = 256
DISPLAY = 1280
SIZES = {"thumb": THUMB, "display": DISPLAY}
COPY_BYTES = 1 << 20


def original_key(project_id: int, sha256: str) -> str:
    """Key of the bytes as they came."""
    return f"p/{project_id}/{sha256[:2]}/{sha256}"


def rendition_key(project_id: int, sha256: str, size: int) -> str:
    """Key of the copy for a thumbnail (256) or the screen (1280)."""
    return f"{original_key(project_id, sha256)}@{size}"


def archive_key(project_id: int, batch_id: int) -> str:
    """Key of an uploaded archive until it is unpacked."""
    return f"p/{project_id}/imports/{batch_id}"


def put(key: str, source: BinaryIO, *, durable: bool = False) -> None:
    """Store a whole file or nothing: half-written bytes never have a name.

    `durable` waits until the disk has them, for bytes that exist nowhere else.
    """
    try:
        target = Path(default_storage.path(key))
    except NotImplementedError:  # an object store: a key appears when its upload is complete
        default_storage.save(key, File(source))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
        try:
            shutil.copyfileobj(source, part, COPY_BYTES)
            part.flush()
            if durable:
                os.fsync(part.fileno())
            os.chmod(part.name, 0o640)
            os.replace(part.name, target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def exists(key: str) -> bool:
    return default_storage.exists(key)


def modified_at(key: str) -> datetime:
    """When the bytes under a key were written; now for one that has just gone."""
    try:
        return default_storage.get_modified_time(key)
    except FileNotFoundError:
        return timezone.now()


def open_key(key: str) -> "File[bytes]":
    """The bytes as a file. Raises FileNotFoundError (or the store's own error) where there are none."""
    return default_storage.open(key, "rb")


def read(key: str) -> bytes:
    with open_key(key) as file:
        return bytes(file.read())


def delete(*keys: str) -> None:
    """Take files away; those that are not there are fine."""
    for key in keys:
        default_storage.delete(key)


def keys_of_image(project_id: int, sha256: str) -> tuple[str, ...]:
    """The original and its renditions."""
    return (original_key(project_id, sha256), *(rendition_key(project_id, sha256, size) for size in SIZES.values()))


def keys_below(prefix: str) -> Iterator[str]:
    """Every key below a prefix."""
    try:
        folders, files = default_storage.listdir(prefix)
    except FileNotFoundError:
        return
    for name in files:
        yield f"{prefix}/{name}"
    for name in folders:
        yield from keys_below(f"{prefix}/{name}")
