"""Vectors of a data set, computed once for each encoder and kept beside the working tree, out of version control."""

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.data.labelled import LabelledImages
from ml.errors import ArtefactError

CACHE_FOLDER = Path(".winnow/vectors")
BATCH = 64
SECONDS_BETWEEN_LINES = 10.0


class ImageEncoder(Protocol):
    """What is needed of an encoder here."""

    @property
    def fingerprint(self) -> str: ...

    def encode_images(self, images: list[bytes], /) -> NDArray[np.float32]: ...


def cached_vectors(
    images: LabelledImages,
    encoder: ImageEncoder,
    *,
    folder: Path = CACHE_FOLDER,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Unit vectors (n, D) float32 of all images, in order; from the cache where they are there.

    The key is the data's digest with the encoder's fingerprint, so neither changed files nor another preprocessing
    ever meet old vectors. `progress` is told (done, all).

    Raises:
        ArtefactError: The cached file is damaged or of another length.
    """
    key = hashlib.sha256(f"{images.digest}\0{encoder.fingerprint}".encode()).hexdigest()
    file = folder / f"{key}.npy"
    if file.exists():
        return _read(file, rows=len(images))
    parts, done = [], 0
    for batch in images.batches(BATCH):
        parts.append(encoder.encode_images(batch))
        done += len(batch)
        if progress:
            progress(done, len(images))
    vectors = np.concatenate(parts)
    folder.mkdir(parents=True, exist_ok=True)
    # A rename is atomic: a run that is stopped half way leaves no file that looks whole.
    unfinished = file.with_suffix(".partial.npy")
    np.save(unfinished, vectors, allow_pickle=False)
    unfinished.replace(file)
    return vectors


def progress_lines(what: str) -> Callable[[int, int], None]:
    """Progress for a person: a line on stderr every ten seconds, with the time that is left."""
    started = time.monotonic()
    last = started

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES and done < total:
            return
        last = now
        left = (now - started) / done * (total - done)
        sys.stderr.write(f"{what}: {done:,} of {total:,}, {left:.0f} s left\n")
        sys.stderr.flush()

    return tell


def _read(file: Path, *, rows: int) -> NDArray[np.float32]:
    try:
        vectors: NDArray[np.float32] = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtefactError(f"{file} is damaged ({error}); delete it to embed again") from error
    if len(vectors) != rows:
        raise ArtefactError(f"{file} holds {len(vectors)} vectors for {rows} images; delete it to embed again")
    return vectors
