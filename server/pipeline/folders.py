"""Images from this machine's own disk: folders, single files, archives and Parquet files, in groups of a hundred."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from server.core.errors import InvalidInput
from server.images.archives import archive_entries
from server.images.intake import Incoming, images_take_in
from server.images.models import ImportBatch
from server.images.sources import folder_files, one_file, parquet_rows

GROUP = 100
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass
class Taken:
    """What became of the files of one import."""

    added: int = 0
    duplicates: int = 0
    rejected: int = 0

    @property
    def received(self) -> int:
        return self.added + self.duplicates + self.rejected


def source_kind(path: Path) -> str:
    """folder, parquet, archive or file, by what a path is and how it is called."""
    if path.is_dir():
        return "folder"
    if path.suffix.lower() == ".parquet":
        return "parquet"
    return "archive" if path.name.lower().endswith(ARCHIVES) else "file"


def files_at(path: Path, *, label_column: str | None = None) -> Iterator[Incoming]:
    """Everything at a path, lazily.

    Raises:
        InvalidInput: there is nothing at the path, or it cannot be read as what it is.
    """
    if not path.exists():
        raise InvalidInput(f"There is nothing at {path}.")
    kind = source_kind(path)
    if kind == "folder":
        yield from folder_files(path)
    elif kind == "parquet":
        yield from parquet_rows(path, label_column=label_column)
    elif kind == "archive":
        with path.open("rb") as file:
            yield from archive_entries(file)
    else:
        yield from one_file(path, name=path.name)


def groups_of(files: Iterator[Incoming]) -> Iterator[Iterator[Incoming]]:
    """Lazily in hundreds: each file is read before the next is opened, and a group before the next begins."""
    for first in files:
        yield _chained(first, islice(files, GROUP - 1))


def _chained(first: Incoming, rest: Iterator[Incoming]) -> Iterator[Incoming]:
    yield first
    yield from rest


def files_take_in(*, batch: ImportBatch, files: Iterator[Incoming], told: Callable[[Taken], None]) -> Taken:
    """Store all files; `told` hears the figures after each hundred."""
    taken = Taken()
    with closing(files):  # type: ignore[type-var]
        for group in groups_of(files):
            for outcome in images_take_in(batch=batch, files=group):
                taken.added += outcome.status == "stored"
                taken.duplicates += outcome.status == "duplicate"
                taken.rejected += outcome.status == "rejected"
            told(taken)
    return taken
