"""Files of the model hub: from the cache when they are there, over the network when they are not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError

from ml.errors import EncoderUnavailableError, MlError


def hub_file(repository: str, names: Sequence[str], *, cache_dir: Path | None = None) -> Path:
    """The first of `names` that the cache holds, else the first that the hub holds.

    A cached file is used without asking the hub whether a newer one exists: an encoder must not change under the
    vectors that were made with it, and a machine without a network must not wait for one.

    Raises:
        MissingFileError: The hub has none of them.
        OSError, ValueError: The hub cannot be reached, or refuses.
    """
    for name in names:
        found = try_to_load_from_cache(repository, name, cache_dir=cache_dir)
        if isinstance(found, str):
            return Path(found)
    for name in names:
        try:
            return Path(hf_hub_download(repository, name, cache_dir=cache_dir))
        except LocalEntryNotFoundError:  # no network: the next name would wait for it in vain
            raise
        except EntryNotFoundError:
            continue
    raise MissingFileError(f"{repository} holds none of {', '.join(names)}")


class MissingFileError(Exception):
    """The repository exists and does not hold the file."""


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Whatever a download raises becomes one error that names the next step."""
    try:
        yield
    except MlError:
        raise
    except (RepositoryNotFoundError, MissingFileError) as error:
        missing = error if isinstance(error, MissingFileError) else "the model hub has no such repository"
        raise EncoderUnavailableError(f"{name}: {missing}; check the name on the model hub") from error
    except Exception as error:
        raise EncoderUnavailableError(
            f"{name}: the files are not in the local cache and the model hub did not give them "
            f"({type(error).__name__}). Connect to the network once, copy the hub cache to this machine, or name a "
            "local JSON spec; `demo` needs no network."
        ) from error
