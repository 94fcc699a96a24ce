"""The same vectors as the libraries give, for the same weights, images and prompts."""

import io
import json

import numpy as np
import open_clip
import pytest
import timm
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from timm.data.transforms_factory import create_transform

from ml.data.decode_rgb import decode_rgb
from ml.data.preprocess import Preprocessing, scale_size, to_pixels
from ml.encoders import load_encoder
from ml.encoders.prompts import class_text_vectors

from .conftest import photographs, write_folder

TEMPLATES = ("a photo of a {}.", "a drawing of a {}.", "the {}")


@pytest.mark.parametrize(
    "preprocess", [{}, {"resize_mode": "squash", "interpolation": "bilinear"}, {"resize_mode": "longest"}]
)
def test_images_and_texts_give_the_vectors_of_open_clip(tmp_path, preprocess):
    folder = write_folder(tmp_path, preprocess={"mean": [0.5, 0.4, 0.3], "std": [0.3, 0.3, 0.2], **preprocess})
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    texts = ["a striped beetle", "wings", ""]
    with torch.no_grad():
        images = model.eval().encode_image(torch.stack([transform(p) for p in photographs()]), normalize=True)
        words = model.encode_text(tokenizer(texts), normalize=True)
    encoder = load_encoder(folder, dtype="float32")
    assert (encoder.encode_images(photographs()) * images.numpy()).sum(1).min() >= 0.9999
    assert (encoder.encode_texts(texts) * words.numpy()).sum(1).min() >= 0.9999
    assert encoder.logit_scale == pytest.approx(model.logit_scale.exp().item())


def test_prompts_give_what_build_zero_shot_classifier_gives(tiny_folder):
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{tiny_folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tiny_folder}")
    names = [f"species number {i}" for i in range(13)]
    theirs = open_clip.build_zero_shot_classifier(model.eval(), tokenizer, names, TEMPLATES).T.numpy()
    ours = class_text_vectors(load_encoder(tiny_folder), names, templates=TEMPLATES)
    assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [64, 37])
def test_pixels_are_those_of_open_clips_transform(mode, interpolation, size):
    cfg = PreprocessCfg(size=size, resize_mode=mode, interpolation=interpolation, mean=(0, 0, 0), std=(1, 1, 1))
    theirs = image_transform_v2(cfg, is_train=False)
    square = (size, size)
    ours = Preprocessing(square, square, (0, 0, 0), (1, 1, 1), interpolation, mode)
    for image in photographs():
        expected = (theirs(image) * 255).round().byte().permute(1, 2, 0).numpy()
        assert np.array_equal(to_pixels(image, ours), expected)


@pytest.mark.parametrize(("crop_mode", "mode"), [("center", "shortest"), ("squash", "squash"), ("border", "longest")])
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 1.0])
def test_pixels_are_those_of_timms_transform(crop_mode, mode, crop_pct):
    options = {"crop_mode": crop_mode, "crop_pct": crop_pct, "interpolation": "bicubic"}
    theirs = create_transform((3, 64, 64), **options, mean=(0.5,) * 3, normalize=False)
    fill = (128,) * 3 if mode == "longest" else (0,) * 3
    ours = Preprocessing((64, 64), scale_size((64, 64), crop_pct), (0.5,) * 3, (1, 1, 1), "bicubic", mode, fill)
    for image in photographs():
        assert np.array_equal(to_pixels(image, ours), theirs(image).permute(1, 2, 0).numpy())


@pytest.mark.data
def test_the_local_mobilenet_gives_the_vectors_of_timm(mobilenet):
    spec = json.loads(mobilenet.read_text())
    overlay = {
        "file": str(mobilenet.parent / spec["weights"]),
        "mean": spec["mean"],
        "std": spec["std"],
        "interpolation": "bicubic",
        "crop_pct": 0.875,
    }
    net = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay)
    net.reset_classifier(0)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(net.eval()), is_training=False)
    with torch.no_grad():
        theirs = torch.nn.functional.normalize(net(torch.stack([transform(p) for p in photographs()])), dim=-1)
    encoder = load_encoder(mobilenet, dtype="float32")
    assert encoder.dim == 1280
    assert (encoder.encode_images(photographs()) * theirs.numpy()).sum(1).min() >= 0.9999


@pytest.mark.data
def test_shrinking_a_large_jpeg_on_load_barely_moves_its_vector(mobilenet):
    encoder = load_encoder(mobilenet, dtype="float32")
    large = photographs(1)[0].resize((2600, 2200))
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=92)
    data = buffer.getvalue()
    shrunk = decode_rgb(data, at_least=encoder.preprocessing.decode_at_least).image
    assert shrunk.size == (1300, 1100)
    vectors = encoder.encode_images([data, decode_rgb(data).image])
    assert vectors[0] @ vectors[1] >= 0.999
