"""Names of encoders: what they mean, and what a wrong one is answered with."""

import json

import pytest

from ml.encoders import resolve_spec, spec
from ml.errors import ArtefactError, ConfigError, EncoderUnavailableError


def test_a_tag_is_found_however_it_is_written():
    found = resolve_spec("open_clip:ViT-B-32/laion2B-s34B-b79K")
    assert (found.library, found.model, found.tag, found.source) == (
        "open_clip",
        "ViT-B-32",
        "laion2b_s34b_b79k",
        "tag",
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("open_clip:ViT-B-32/laion2b_s34b", "laion2b_s34b_b79k"),
        ("open_clip:ViT-B-32", "laion2b_s34b_b79k"),
        ("open_clip:ViT-B32/openai", "ViT-B-32"),
        ("timm:mobilnetv2_100", "mobilenetv2_100"),
        ("timm:vit_small_patch14_dinov2.lvd", "vit_small_patch14_dinov2.lvd142m"),
        ("timm:mobilenetv2_100/ra_in1k", "follows a dot"),
        ("ViT-B-32", "open_clip:NAME/TAG"),
        ("hf-hub:laion", "hf-hub:ORG/MODEL"),
        ("", "demo"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_right_one(name, says):
    with pytest.raises(ConfigError, match=says):
        resolve_spec(name)


def test_weights_of_another_activation_are_never_loaded_silently():
    with pytest.raises(ConfigError, match="open_clip:ViT-B-32-quickgelu/openai"):
        resolve_spec("open_clip:ViT-B-32/openai")
    assert resolve_spec("open_clip:ViT-B-32-quickgelu/openai").tag == "openai"


def test_without_weights_the_demo_encoder_says_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setattr(spec, "DEMO_FOLDER", tmp_path)
    with pytest.raises(EncoderUnavailableError, match="make demo-encoder"):
        resolve_spec("demo")


def test_a_json_spec_finds_its_weights_beside_itself(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"")
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"library": "timm", "model": "test_vit", "weights": "w.safetensors", "mean": [0, 0, 0]}))
    found = resolve_spec(path)
    assert found.weights == tmp_path / "w.safetensors"
    assert found.overrides == {"mean": [0, 0, 0]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not readable JSON"),
        ("[]", "JSON object"),
        ('{"library": "torch", "model": "a", "weights": "b"}', "library"),
        ('{"library": "timm", "model": "test_vit", "weights": "nowhere.safetensors"}', "not beside it"),
    ],
)
def test_a_broken_json_spec_is_explained(tmp_path, text, says):
    path = tmp_path / "spec.json"
    path.write_text(text)
    with pytest.raises(ArtefactError, match=says):
        resolve_spec(path)


def test_a_spec_that_is_not_loaded_has_no_fingerprint():
    with pytest.raises(ConfigError, match="not loaded"):
        _ = resolve_spec("open_clip:ViT-B-32/random").fingerprint
