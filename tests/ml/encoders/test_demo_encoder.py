"""The encoder that comes with Winnow does what its card says, measured again on a part of what it never saw."""

import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from ml.data.fieldguide import draw, species_catalog
from ml.encoders import load_encoder
from ml.encoders.encoder import Encoder
from ml.encoders.prompts import class_text_vectors
from ml.training.demo.corpus import held_out
from ml.training.demo.measure import prototypes

DATA = Path("../shared/data")
FOLDER = Path("ml/encoders/demo")
pytestmark = pytest.mark.skipif(not (FOLDER / "weights.safetensors").exists(), reason="the demo encoder is not trained")
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("demo", dtype="float32")


def _pictures(blobs: Iterable[bytes]) -> list[Image.Image]:
    return [Image.open(io.BytesIO(blob)).convert("RGB") for blob in blobs]


def test_the_folder_is_smaller_than_12_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12_000_000


def test_the_card_names_recipe_seed_licences_and_figures() -> None:
    card = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    assert {"recipe", "seed", "licenses", "measured"} <= set(card)
    assert all({"percent", "interval"} <= set(share) for share in card["measured"].values())


def test_species_of_the_guide_are_found_by_their_descriptions(encoder: Encoder) -> None:
    catalog = species_catalog()
    descriptions = {s.name: [s.definition, *s.sentences] for s in catalog}
    classes = class_text_vectors(encoder, [s.name for s in catalog], templates=(), descriptions=descriptions)
    pictures = [draw(s, seed=2 * 10**6 + i * 5 + j) for i, s in enumerate(catalog) for j in range(5)]
    nearest = (encoder.encode_images(pictures) @ classes.T).argmax(1)
    assert (nearest == np.repeat(np.arange(24), 5)).mean() >= 0.78


@needs_data
def test_photographs_held_out_are_found_by_their_class_names(encoder: Encoder) -> None:
    table = pq.read_table(DATA / "tiny-imagenet-160.parquet", columns=["image", "name", "wnid", "file_name"])
    texts = json.loads((DATA / "class-texts.json").read_text(encoding="utf-8"))["tiny_imagenet_160"]
    order = {entry["wnid"]: i for i, entry in enumerate(texts)}
    rows = [i for i, name in enumerate(table["file_name"].to_pylist()) if held_out(name)][::5]
    labels = np.array([order[table["wnid"][i].as_py()] for i in rows])
    classes = class_text_vectors(encoder, [entry["name"] for entry in texts])
    scores = encoder.encode_images(_pictures(table["image"][i].as_py() for i in rows)) @ classes.T
    best = np.argsort(-scores, axis=1)[:, :5]
    assert (best[:, 0] == labels).mean() >= 0.40
    assert (best == labels[:, None]).any(1).mean() >= 0.68


@needs_data
def test_prototypes_tell_classes_apart_that_it_was_never_shown(encoder: Encoder) -> None:
    table = pq.read_table(DATA / "cifar100.parquet", columns=["image", "fine_label", "cifar_fs"])
    fine, part = np.array(table["fine_label"].to_pylist()), np.array(table["cifar_fs"].to_pylist())
    rows = np.concatenate([np.flatnonzero(fine == name)[100:150] for name in np.unique(fine[part == "test"])])
    vectors = torch.from_numpy(encoder.encode_images(_pictures(table["image"][int(i)].as_py() for i in rows)))
    labels = torch.arange(20).repeat_interleave(50)
    assert prototypes(vectors, labels, shots=1, seed=1).percent >= 58
    assert prototypes(vectors, labels, shots=5, seed=1).percent >= 76


def test_a_vector_has_256_dimensions_and_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode_texts(["a red beetle", "a blue butterfly"])
    assert vectors.shape == (2, 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
