"""ZIP and tar, read entry by entry and never extracted to paths. An archive is hostile until it is read through."""

import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from django.conf import settings

from server.core.errors import InvalidInput
from server.images.intake import Incoming
from server.images.sources import is_junk, label_of

LIMIT_ENTRIES = 200_000
LIMIT_RATIO = 200
LIMIT_HEADER_BYTES = 1 << 20
NESTED = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"}
_END = struct.Struct("<4s4H2LH")


def archive_entries(file: BinaryIO) -> Iterator[Incoming]:
    """Entries of a ZIP or a tar (plain, gzip, bzip2, xz), as they come.

    Raises:
        InvalidInput: it is neither, is broken, or claims more than may be unpacked.
    """
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head[:2] == b"PK":
        return _zip_entries(file)
    return _tar_entries(file)


def _zip_entries(file: BinaryIO) -> Iterator[Incoming]:
    _check_end_record(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise InvalidInput(f"This ZIP cannot be read: {error}.", code="broken_archive") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_junk(entry.filename)]
        _check_overlap(file, entries)
        budget = Budget()
        for entry in entries:
            problem = _entry_problem(entry.filename) or _zip_problem(entry)
            if problem:
                yield Incoming(entry.filename, None, problem=problem)
                continue
            budget.spend(entry.file_size)
            yield from _readable(entry.filename, partial(_open_zip, archive, entry))


def _tar_entries(file: BinaryIO) -> Iterator[Incoming]:
    budget = Budget()
    try:
        with tarfile.open(fileobj=file, mode="r|*", tarinfo=_BoundedInfo, errorlevel=1) as archive:
            for entry in archive:
                budget.spend(entry.size)
                if entry.isdir() or is_junk(entry.name):
                    continue
                problem = _entry_problem(entry.name)
                if not entry.isreg():
                    problem = ("link", "A link or a device, not a file.")
                if problem:
                    yield Incoming(entry.name, None, problem=problem)
                    continue
                yield from _readable(entry.name, partial(_open_tar, archive, entry))
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise InvalidInput(f"This is no readable ZIP or tar archive: {error}.", code="broken_archive") from error


def _open_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    return archive.open(entry)


def _open_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(entry)
    if file is None:
        raise ValueError("not a regular file")
    return file


def _readable(name: str, open_entry: Callable[[], IO[bytes]]) -> Iterator[Incoming]:
    try:
        data = open_entry()
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, ValueError, tarfile.TarError) as error:
        yield Incoming(name, None, problem=("unreadable", f"Could not be unpacked: {error}"))
        return
    with data:
        yield Incoming(name, Guarded(data), label=label_of(name))  # type: ignore[arg-type]


class Guarded:
    """Reads of an entry whose decompression may fail in a dozen ways; all of them mean that it is unreadable."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def read(self, size: int = -1) -> bytes:
        try:
            return self._inner.read(size)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, tarfile.TarError) as error:
            raise ValueError(str(error)) from error


class Budget:
    """How much an archive may still unpack to, in bytes and in entries."""

    def __init__(self) -> None:
        self._bytes = settings.WINNOW_MAX_ARCHIVE_BYTES
        self._entries = LIMIT_ENTRIES

    def spend(self, size: int) -> None:
        self._bytes -= size
        self._entries -= 1
        if self._bytes < 0 or self._entries < 0:
            gib = settings.WINNOW_MAX_ARCHIVE_BYTES / 2**30
            raise InvalidInput(
                f"The archive unpacks to more than {gib:.3g} GiB or {LIMIT_ENTRIES:,} entries. What came before this"
                " point was added; split the rest into several archives.",
                code="archive_too_large",
            )


class _BoundedInfo(tarfile.TarInfo):
    """Refuses headers that want megabytes of memory for a name."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_BoundedInfo":
        info = super().frombuf(buf, encoding, errors)
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        if info.type in (*extended, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            if info.size > LIMIT_HEADER_BYTES:
                raise tarfile.ReadError("a header of more than 1 MiB")
        elif info.size > settings.WINNOW_MAX_ARCHIVE_BYTES:
            raise tarfile.ReadError("an entry larger than any archive may be")
        return info


def _entry_problem(name: str) -> tuple[str, str] | None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or (len(name) > 1 and name[1] == ":"):
        return "unsafe_name", "Its name points outside the archive."
    if path.suffix.lower() in NESTED:
        return "archive", "An archive inside the archive; unpack it first."
    return None


def _zip_problem(entry: zipfile.ZipInfo) -> tuple[str, str] | None:
    if entry.flag_bits & 0x1:
        return "encrypted", "It is encrypted."
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "link", "A link or a device, not a file."
    if entry.file_size > settings.WINNOW_MAX_UPLOAD_BYTES:
        return "too_large", f"Larger than {settings.WINNOW_MAX_UPLOAD_BYTES // 2**20} MiB."
    if entry.file_size > 1 << 20 and entry.file_size > LIMIT_RATIO * max(1, entry.compress_size):
        return "bomb", f"It unpacks to more than {LIMIT_RATIO} times its size, as no image does."
    return None


def _check_overlap(file: BinaryIO, entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes are how a small ZIP becomes an endless one."""
    size = file.seek(0, 2)
    if sum(entry.compress_size for entry in entries) > size:
        raise InvalidInput("Entries of this ZIP overlap; no honest tool writes such a file.", code="bomb")


def _check_end_record(file: BinaryIO) -> None:
    """Refuse a directory of millions before it is read into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise InvalidInput("This ZIP has no end: the upload was cut off, or it is not a ZIP.", code="broken_archive")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    zip64 = entries == 0xFFFF or directory_bytes == 0xFFFFFFFF
    if zip64:
        entries, directory_bytes = _zip64_totals(tail)
    if entries > LIMIT_ENTRIES or directory_bytes > LIMIT_ENTRIES * 512:
        raise InvalidInput(f"More than {LIMIT_ENTRIES:,} entries in one ZIP; split it.", code="archive_too_large")


def _zip64_totals(tail: bytes) -> tuple[int, int]:
    at = tail.rfind(b"PK\x06\x06")
    if at < 0 or len(tail) - at < 56:
        raise InvalidInput("This ZIP's directory cannot be read.", code="broken_archive")
    entries, directory_bytes = struct.unpack_from("<QQ", tail, at + 32)
    return int(entries), int(directory_bytes)
