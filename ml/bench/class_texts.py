"""Descriptions of CIFAR-100's and Tiny-ImageNet's classes for the text2model bench, by kind, as sentence vectors."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ml.errors import ConfigError
from ml.icis.descriptors import sentence_vectors
from ml.text2model.descriptions import EVERY, DescriptionBank

KINDS = ("names", "definitions", "sentences", "attributes", "attribute lists", "negated")
LISTS = {"attribute lists": "attributes"}
"""Kinds that give all of another kind at once."""
DRAWS = {"attributes": 3, "attribute lists": EVERY, "negated": 3}
SENTENCES = 8

Texts = dict[str, list[list[str]]]
_Entry = TypeVar("_Entry")


def class_texts(path: Path, data_set: str, classes: Sequence[str]) -> Texts:
    """Texts by kind and class. `classes` are wnids of `tiny_imagenet_160` or names of `cifar100`.

    CIFAR-100 comes with sentences alone: its attributes are those sentences with the class's name taken out, its
    definitions WordNet's for the sense that lies nearest to the sentences.
    """
    content = json.loads(path.read_text())
    if data_set == "tiny_imagenet_160":
        by_wnid = {entry["wnid"]: entry for entry in content[data_set]}
        return _curated([_known(by_wnid, c) for c in classes])
    if data_set == "cifar100":
        return _mechanical([c.replace("_", " ") for c in classes], content[data_set])
    raise ConfigError(f"descriptions are at hand for tiny_imagenet_160 and cifar100, not {data_set!r}")


def text_bank(texts: Texts, kinds: Sequence[str], *, cache: Path) -> DescriptionBank:
    """The texts as vectors; each set of texts is embedded once and kept in `cache`.

    Of attributes three at random make a description; an attribute list is all that a class has.

    Raises:
        ConfigError: A kind that these texts do not have.
    """
    lists = {kind: _vectors(_of_kind(texts, LISTS.get(kind, kind)), cache) for kind in kinds}
    return DescriptionBank.of(lists, draws=DRAWS)


def _of_kind(texts: Texts, kind: str) -> list[list[str]]:
    if kind not in texts:
        raise ConfigError(f"no descriptions of kind {kind!r}; choose among {', '.join(KINDS)}")
    return texts[kind]


def _curated(entries: list[dict[str, Any]]) -> Texts:
    def all_of(write: Callable[[dict[str, Any]], list[str]]) -> list[list[str]]:
        return [write(entry) for entry in entries]

    return {
        "names": all_of(lambda e: [f"a photo of a {name}" for name in dict.fromkeys([str(e["name"]), *e["synonyms"]])]),
        "definitions": all_of(lambda e: [str(e["definition"])]),
        "sentences": all_of(lambda e: [text.strip() for text in e["sentences"][:SENTENCES]]),
        "attributes": all_of(lambda e: [f"something with {text}" for text in e["descriptors"]]),
        "negated": all_of(lambda e: [f"something without {text}" for text in e["descriptors"]]),
    }


def _mechanical(names: list[str], sentences: dict[str, list[str]]) -> Texts:
    own = [[text.strip() for text in _known(sentences, name)[:SENTENCES]] for name in names]
    nameless = [[_without_name(text, name) for text in texts] for name, texts in zip(names, own, strict=True)]
    return {
        "names": [[f"a photo of a {name}", name] for name in names],
        "definitions": [[text] for text in _nearest_definitions(names, own)],
        "sentences": own,
        "attributes": nameless,
        "negated": [[f"It is not true of it that {text[0].lower()}{text[1:]}" for text in texts] for texts in nameless],
    }


def _without_name(sentence: str, name: str) -> str:
    """The sentence with the class's name, its article and its plural turned into "something"."""
    stem = re.escape(name[:-1] if name.endswith(("y", "f")) else name)
    return re.sub(rf"\b(?:an?\s+|the\s+)?(?:\w+\s+)?{stem}\w*", "something", sentence, flags=re.IGNORECASE)


def _nearest_definitions(names: list[str], sentences: list[list[str]]) -> list[str]:
    """Of ImageNet-22k's synsets that carry the name, the definition nearest to the sentences; else the name."""
    senses = _senses(set(names))
    about = sentence_vectors(sentences)
    chosen = []
    for name, vector in zip(names, about, strict=True):
        found = senses.get(name) or [name]
        near = sentence_vectors([[text] for text in found]) @ vector
        chosen.append(found[int(np.argmax(near))])
    return chosen


def _senses(names: set[str]) -> dict[str, list[str]]:
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-22k")
    found: dict[str, list[str]] = {}
    for index in range(info.num_classes()):  # type: ignore[no-untyped-call]
        lemmas, _, definition = info.index_to_description(index, detailed=True).partition(": ")
        for lemma in lemmas.split(", "):
            if lemma.lower() in names and definition:
                found.setdefault(lemma.lower(), []).append(definition)
    return found


def _known(table: dict[str, _Entry], key: str) -> _Entry:
    if key not in table:
        raise ConfigError(f"no description of class {key!r}; the file describes {len(table)} others")
    return table[key]


def _vectors(texts: list[list[str]], cache: Path) -> list[Tensor]:
    ends = np.cumsum([len(own) for own in texts])[:-1].tolist()
    return list(torch.tensor_split(text_vectors([text for own in texts for text in own], cache), ends))


def text_vectors(texts: list[str], cache: Path) -> Tensor:
    """(n, 384) unit vectors, from the cache where they are there."""
    file = cache / f"{hashlib.sha256(json.dumps(texts).encode()).hexdigest()}.text.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, sentence_vectors([[text] for text in texts]).astype(np.float32), allow_pickle=False)
    return torch.from_numpy(np.load(file, allow_pickle=False))
