"""A head on disk: tensors in safetensors, the rest in JSON beside them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ml.errors import ArtefactError, ShapeError, SpaceMismatchError
from ml.heads.adapted import AdaptedHead
from ml.heads.base import Head
from ml.heads.hierarchical import HierarchicalHead
from ml.heads.linear import LinearHead
from ml.heads.memory import MemoryHead
from ml.heads.prototypes import PrototypeHead

FORMAT = 1
TENSORS_FILE = "head.safetensors"
CARD_FILE = "head.json"
FORMS: dict[str, type[Head]] = {
    form.form: form for form in (LinearHead, PrototypeHead, MemoryHead, HierarchicalHead, AdaptedHead)
}


@dataclass(frozen=True)
class StoredHead:
    """A head with what its class indices mean: `categories[i]` is the caller's id of class i."""

    head: Head
    categories: tuple[int | str, ...]
    space: str | None


def save_head(head: Head, folder: Path | str, *, categories: Sequence[int | str], space: str | None = None) -> None:
    """Write `head.safetensors` and `head.json`; the card is written last, so that it proves the rest is there.

    Args:
        head: Any head.
        folder: Made where it does not exist.
        categories: Ids of the classes, in the order of the class indices.
        space: Fingerprint of the encoder whose vectors the head reads.

    Raises:
        ShapeError: Not one id a class.
    """
    if len(categories) != head.n_classes:
        raise ShapeError(f"expected {head.n_classes} category ids, one a class, got {len(categories)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in head.tensors().items()}
    save_file(tensors, folder / TENSORS_FILE)
    card = {
        "format": FORMAT,
        "form": head.form,
        "kind": head.kind,
        "temperature": head.temperature,
        "n_classes": head.n_classes,
        "dim": head.dim,
        "categories": list(categories),
        "space": space,
        "settings": head.settings(),
        "torch": torch.__version__,
    }
    (folder / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n")


def load_head(folder: Path | str, *, space: str | None = None) -> StoredHead:
    """Read a head that `save_head` wrote, onto the CPU.

    Raises:
        ArtefactError: A file is missing, damaged, or of a form this version does not know.
        SpaceMismatchError: `space` is given and the head belongs to another.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / CARD_FILE).read_text())
        tensors = load_file(folder / TENSORS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise ArtefactError(f"{folder} holds no readable head: {error}") from error
    form = FORMS.get(card.get("form", ""))
    if card.get("format") != FORMAT or form is None:
        raise ArtefactError(
            f"{folder}: expected head format {FORMAT} of form {', '.join(FORMS)}, "
            f"got format {card.get('format')} of form {card.get('form')}"
        )
    if space is not None and card["space"] != space:
        raise SpaceMismatchError(
            f"this head reads vectors of space {card['space']}, not of {space}; fit a head in that space"
        )
    try:
        head = form.restore(
            kind=card["kind"], temperature=card["temperature"], tensors=tensors, settings=card["settings"]
        )
    except KeyError as error:
        raise ArtefactError(f"{folder} lacks {error} for a head of form {card['form']}") from error
    return StoredHead(head=head, categories=tuple(card["categories"]), space=card["space"])
