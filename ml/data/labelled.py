"""Labelled images from a folder of class folders or from a Parquet file with an image column.

Only labels are read at once. Encoded bytes come when asked for, and nothing here decodes a picture.
"""

import argparse
import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.errors import ConfigError, EmptyClassError
from ml.types import IntArray

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
ROW_GROUPS_HELD = 2


@dataclass(frozen=True)
class LabelledImages:
    """Images with one class each.

    `labels` (n,) int64 in [0, N) index `class_names`, which are sorted. `digest` changes whenever the files
    or the selection do; it is made from names, sizes and times, not from every byte.
    """

    labels: IntArray
    class_names: tuple[str, ...]
    digest: str
    image_bytes: Callable[[int], bytes]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int) -> Iterator[list[bytes]]:
        """Encoded images in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield [self.image_bytes(row) for row in range(start, min(start + size, len(self)))]


def load_labelled(path: Path | str, *, label_columns: Sequence[str] = (), split: Sequence[str] = ()) -> LabelledImages:
    """Open an ImageFolder (`path/<class>/<image>`) or a Parquet file.

    Args:
        path: Folder or `.parquet` file.
        label_columns: Parquet only; several are joined by `/` (an alphabet and its character). By
            default `label`.
        split: Parquet only; `COLUMN=VALUE` conditions that must all hold.

    Raises:
        ConfigError: The path, a column or a condition does not exist here.
        EmptyClassError: No image is left.
    """
    path = Path(path)
    if path.is_dir():
        if label_columns or split:
            raise ConfigError(
                f"{path} is a folder of class folders: label columns and splits belong to Parquet files. "
                "Give the folder of the split itself."
            )
        return _from_folder(path)
    if path.suffix == ".parquet" and path.is_file():
        return _from_parquet(path, label_columns=tuple(label_columns) or ("label",), split=tuple(split))
    raise ConfigError(f"expected a folder of class folders or a .parquet file, found nothing such at {path}")


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The options by which every command is told its labelled images; read back by `from_arguments`."""
    parser.add_argument("--data", required=True, type=Path, help="ImageFolder or Parquet file")
    parser.add_argument(
        "--label-column",
        action="append",
        default=[],
        help="Parquet column of the class; repeat to join columns",
    )
    parser.add_argument("--per-class", type=int, help="use at most so many images of each class, the first ones")
    parser.add_argument(
        "--split",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="keep these Parquet rows; repeatable",
    )


def from_arguments(args: argparse.Namespace) -> LabelledImages:
    """The images that `add_data_arguments` described."""
    images = load_labelled(args.data, label_columns=args.label_column, split=args.split)
    return images if args.per_class is None else first_of_each(images, args.per_class)


def first_of_each(images: LabelledImages, count: int) -> LabelledImages:
    """The first `count` images of each class, in order; all of a class that has fewer."""
    order = np.argsort(images.labels, kind="stable")
    sizes = np.bincount(images.labels)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.flatnonzero(rank < count)
    return LabelledImages(
        labels=images.labels[rows],
        class_names=images.class_names,
        digest=hashlib.sha256(f"{images.digest}\0{count}".encode()).hexdigest(),
        image_bytes=lambda row: images.image_bytes(int(rows[row])),
    )


def _from_folder(root: Path) -> LabelledImages:
    files = sorted(p for p in root.glob("*/*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise EmptyClassError(f"expected images at {root}/<class>/<image>, found none")
    mark = hashlib.sha256()
    for file in files:
        stat = file.stat()
        mark.update(f"{file.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    names, labels = np.unique([file.parent.name for file in files], return_inverse=True)
    return LabelledImages(
        labels=labels.astype(np.int64),
        class_names=tuple(str(name) for name in names),
        digest=mark.hexdigest(),
        image_bytes=lambda row: files[row].read_bytes(),
    )


def _from_parquet(path: Path, *, label_columns: tuple[str, ...], split: tuple[str, ...]) -> LabelledImages:
    file = pq.ParquetFile(path)
    conditions = [_condition(text) for text in split]
    wanted = [*label_columns, *(column for column, _ in conditions)]
    _require_columns(file, wanted=["image", *wanted], path=path)
    table = file.read(columns=list(dict.fromkeys(wanted)))
    kept = np.ones(table.num_rows, dtype=bool)
    for column, value in conditions:
        kept &= np.asarray(pc.equal(pc.cast(table[column], pa.string()), value))
    rows = np.flatnonzero(kept)
    if not len(rows):
        raise EmptyClassError(f"no row of {path.name} satisfies {' and '.join(split) or 'anything'}")
    names, labels = _join_labels(table.take(rows), label_columns=label_columns)
    stat = path.stat()
    mark = f"{stat.st_size}\0{stat.st_mtime_ns}\0{label_columns}\0{split}"
    return LabelledImages(
        labels=labels,
        class_names=names,
        digest=hashlib.sha256(mark.encode()).hexdigest(),
        image_bytes=_row_reader(file, rows=rows),
    )


def _condition(text: str) -> tuple[str, str]:
    column, found, value = text.partition("=")
    if not found or not column:
        raise ConfigError(f"expected COLUMN=VALUE, got {text!r}")
    return column, value


def _require_columns(file: pq.ParquetFile, *, wanted: Sequence[str], path: Path) -> None:
    present = file.schema_arrow.names
    missing = [column for column in wanted if column not in present]
    if missing:
        raise ConfigError(f"{path.name} has no column {', '.join(missing)}; it has {', '.join(present)}")


def _join_labels(table: pa.Table, *, label_columns: tuple[str, ...]) -> tuple[tuple[str, ...], IntArray]:
    columns = [pc.cast(table[column], pa.string()) for column in label_columns]
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "/")
    if joined.null_count:
        raise ConfigError(f"{joined.null_count} rows have no value in {', '.join(label_columns)}")
    encoded = joined.combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty_like(order, dtype=np.int64)
    rank[order] = np.arange(len(order))
    names = encoded.dictionary.take(pa.array(order)).to_pylist()
    return tuple(names), rank[encoded.indices.to_numpy()]


def _row_reader(file: pq.ParquetFile, *, rows: IntArray) -> Callable[[int], bytes]:
    """Bytes of a selected row, holding the encoded images of a few row groups and no more."""
    ends = np.cumsum([file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)])

    @functools.lru_cache(maxsize=ROW_GROUPS_HELD)
    def group_images(group: int) -> pa.ChunkedArray:
        return file.read_row_group(group, columns=["image"])["image"]

    def read(row: int) -> bytes:
        at = int(rows[row])
        group = int(np.searchsorted(ends, at, side="right"))
        start = int(ends[group - 1]) if group else 0
        value = group_images(group)[at - start].as_py()
        # A data set written by `datasets` holds {"bytes", "path"} where others hold the bytes.
        return bytes(value["bytes"] if isinstance(value, dict) else value)

    return read
