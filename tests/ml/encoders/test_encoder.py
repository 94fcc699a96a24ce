"""A loaded encoder: unit vectors in order, and errors that say what to do."""

import io
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ml.encoders import load_encoder
from ml.encoders.prompts import class_prompts, class_text_vectors
from ml.errors import (
    ArtefactError,
    ConfigError,
    DecodeError,
    EmptyClassError,
    MlError,
    NonFiniteError,
    NoTextTowerError,
    ShapeError,
)

from .conftest import photographs, write_folder


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return load_encoder(tiny_folder)


def test_bytes_paths_and_pictures_give_the_same_unit_vectors_in_order(encoder, tmp_path):
    pictures = photographs()
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        path.write_bytes(png(picture))
    vectors = encoder.encode_images(pictures)
    assert vectors.shape == (6, encoder.dim) == (6, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for other in (encoder.encode_images(map(png, pictures)), encoder.encode_images(paths, batch_size=4)):
        assert np.allclose(other, vectors, atol=1e-5)


def test_nothing_in_gives_nothing_of_the_right_shape(encoder):
    assert encoder.encode_images([]).shape == (0, 32)
    assert encoder.encode_texts([]).shape == (0, 32)


def test_an_image_that_cannot_be_decoded_is_named(encoder):
    with pytest.raises(DecodeError, match="image 1") as error:
        encoder.encode_images([png(photographs()[0]), b"no image"])
    assert error.value.reason == "unsupported_format"


def test_pixels_of_another_size_are_refused(encoder):
    with pytest.raises(ShapeError, match="64, 64"):
        encoder.encode_pixels(np.zeros((1, 32, 32, 3), np.uint8))


def test_a_small_vocabulary_beside_the_weights_is_the_one_that_reads(tmp_path):
    encoder = load_encoder(write_folder(tmp_path, merges=300))
    assert encoder.encode_texts(["an unheard-of beetle"]).shape == (1, 32)


def test_a_vocabulary_too_large_for_the_tower_is_refused(tmp_path):
    folder = write_folder(tmp_path, merges=300)
    (folder / "bpe.txt.gz").unlink()
    with pytest.raises(ConfigError, match="814 tokens"):
        load_encoder(folder)


def test_a_loaded_spec_is_plain_json(encoder, tiny_folder):
    stored = json.loads(json.dumps(encoder.spec.as_dict()))
    assert stored["weights"] == str(weights_of(tiny_folder))
    assert stored["preprocessing"]["size"] == [64, 64]
    assert len(stored["weights_digest"]) == 64


@pytest.mark.data
def test_an_image_only_encoder_refuses_prompts_and_says_what_works(mobilenet):
    encoder = load_encoder(mobilenet)
    assert not encoder.has_text
    assert encoder.logit_scale is None
    with pytest.raises(NoTextTowerError, match="prototypes"):
        encoder.encode_texts(["a photo"])
    with pytest.raises(NoTextTowerError):
        class_text_vectors(encoder, ["cat"])


def test_the_fingerprint_is_that_of_the_weights_not_of_the_folder(tmp_path, tiny_folder, encoder):
    assert load_encoder(write_folder(tmp_path / "tiny-copy" / tiny_folder.name)).fingerprint == encoder.fingerprint
    assert load_encoder(write_folder(tmp_path / "b" / tiny_folder.name, seed=1)).fingerprint != encoder.fingerprint


@pytest.mark.parametrize(
    "change", [{"interpolation": "bilinear"}, {"mean": [0.5, 0.5, 0.5]}, {"resize_mode": "squash"}]
)
def test_the_fingerprint_moves_with_the_preprocessing(tmp_path, encoder, tiny_folder, change):
    other = load_encoder(write_folder(tmp_path / tiny_folder.name, preprocess=change))
    assert other.fingerprint != encoder.fingerprint


def weights_of(folder):
    return folder / "open_clip_model.safetensors"


def damaged(folder, damage):
    path = weights_of(folder)
    tensors = load_file(path)
    if damage == "nan":
        tensors["visual.proj"][3, 3] = float("nan")
    if damage == "shape":
        tensors["visual.proj"] = torch.zeros(64, 31)
    if damage == "missing":
        del tensors["visual.proj"]
    save_file(tensors, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    if damage == "other":
        path.write_bytes(b"\x80\x04not safetensors at all")
    if damage == "huge header":
        path.write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}")


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        ("nan", NonFiniteError, "visual.proj"),
        ("shape", ArtefactError, "another model.*visual.proj"),
        ("missing", ArtefactError, "another model.*visual.proj"),
        ("cut", ArtefactError, "not a readable safetensors"),
        ("other", ArtefactError, "not a readable safetensors"),
        ("huge header", ArtefactError, "not a readable safetensors"),
    ],
)
def test_damaged_weights_are_refused_in_one_line(tmp_path, damage, error, says):
    folder = write_folder(tmp_path)
    damaged(folder, damage)
    with pytest.raises(error, match=says):
        load_encoder(folder)


def test_pickled_weights_are_refused(tmp_path):
    folder = write_folder(tmp_path)
    torch.save(load_file(weights_of(folder)), folder / "weights.pt")
    weights_of(folder).unlink()
    with pytest.raises(ArtefactError, match="safetensors"):
        load_encoder(folder)
    spec = tmp_path / "spec.json"
    spec.write_text('{"library": "timm", "model": "test_vit", "weights": "weights.pt"}')
    with pytest.raises(ArtefactError, match="safetensors"):
        load_encoder(spec)


def test_a_declared_dimension_must_be_the_models(tmp_path):
    import timm

    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "s.json").write_text(
        '{"library": "timm", "model": "test_vit", "weights": "w.safetensors", "embedding_dim": 65}'
    )
    with pytest.raises(ShapeError, match="declares 65 dimensions and gives 64"):
        load_encoder(tmp_path / "s.json")


def test_every_error_is_one_of_ours(tmp_path):
    with pytest.raises(MlError):
        load_encoder(tmp_path)


def test_cuda_where_there_is_none_is_a_clear_error(tiny_folder):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ConfigError, match="device='cpu'"):
        load_encoder(tiny_folder, device="cuda")


def test_descriptions_stand_beside_the_templates_and_weigh_the_same(encoder):
    described = {"b": ["green wings", "long legs"]}
    vectors = class_text_vectors(encoder, ["a", "b"], templates=["a {}"], descriptions=described)
    parts = encoder.encode_texts(["a b", "green wings", "long legs"]).mean(axis=0)
    assert np.allclose(vectors[1], parts / np.linalg.norm(parts), atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_concept_says_what_the_names_are_kinds_of():
    assert class_prompts(["stag"], templates=["a photo of a {}."], concept="beetle") == [
        ["a photo of a stag, a kind of beetle."]
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"names": []}, ConfigError),
        ({"names": ["a"], "templates": ["a photo"]}, ConfigError),
        ({"names": ["a"], "descriptions": {"b": ["x"]}}, ConfigError),
        ({"names": ["a"], "templates": []}, EmptyClassError),
    ],
)
def test_prompts_that_cannot_work_are_refused(arguments, error):
    with pytest.raises(error):
        class_prompts(**arguments)
