"""A head's files on the project's storage, named by their digest, and a local copy of them for this machine."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from server.core.errors import Unavailable
from server.images.storage import delete, keys_below, put, read
from server.registry.models import HeadVersion


def head_store(*, project_id: int, folder: Path) -> tuple[str, str]:
    """Copy a head's files to storage; (key, digest). The same head is the same key, so a retry writes nothing new."""
    digest = folder_digest(folder)
    key = f"p/{project_id}/heads/{digest}"
    for path in sorted(folder.iterdir()):
        with path.open("rb") as source:
            put(f"{key}/{path.name}", source, durable=True)
    return key, digest


def head_folder(head: HeadVersion) -> Path:
    """A local folder with the head's files, fetched once and checked against the digest of its row.

    Raises:
        Unavailable: The files are gone from storage, or are not those that were stored.
    """
    folder = Path(settings.WINNOW_CACHE_DIR) / "heads" / head.digest
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fetched = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    try:
        for key in keys_below(head.storage_key):
            (fetched / key.rsplit("/", 1)[-1]).write_bytes(read(key))
        if folder_digest(fetched) != head.digest:
            raise Unavailable(
                f"The files of head {head.pk} are missing or are not those that were stored. "
                "Restore them from a backup, or go back to another head."
            )
        os.replace(fetched, folder)
    except OSError:
        if not folder.is_dir():  # another process may have brought it at this moment
            raise
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    return folder


def head_is_whole(head: HeadVersion) -> bool:
    """Whether the bytes on storage are those of the row."""
    mark = hashlib.sha256()
    for key in sorted(keys_below(head.storage_key)):
        _add(mark, key.rsplit("/", 1)[-1], read(key))
    return mark.hexdigest() == head.digest


def head_files_delete(storage_key: str) -> None:
    """Take away the files of a head that never got a row."""
    delete(*keys_below(storage_key))


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of the files of a folder, in order of name."""
    mark = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        _add(mark, path.name, path.read_bytes())
    return mark.hexdigest()


def _add(mark: "hashlib._Hash", name: str, data: bytes) -> None:
    mark.update(f"{name}\x1f{len(data)}\x1f".encode())
    mark.update(data)
