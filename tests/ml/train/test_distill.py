"""The distillation command with a teacher of its own making."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from ml.train import distill


class Colors:
    """A teacher that sees nothing but an image's mean color."""

    def encode_images(self, images) -> np.ndarray:
        means = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean(axis=(0, 1)) for data in images]
        vectors = np.array(means, dtype=np.float32) / 255 - 0.5
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("target", ["probabilities", "vectors"])
def test_a_student_is_taught_judged_and_exported(tmp_path, capsys, monkeypatch, target):
    rng = np.random.default_rng(0)
    for index, color in enumerate([(220, 30, 30), (30, 220, 30), (30, 30, 220)]):
        (tmp_path / "images" / f"class {index}").mkdir(parents=True)
        for item in range(15):
            pixels = np.clip(np.array(color) + rng.integers(-25, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / f"class {index}" / f"{item}.png")
    monkeypatch.setattr(distill, "load_encoder", lambda name, device: Colors())
    argv = (
        f"--data {tmp_path / 'images'} --encoder colors --target {target} --shots 3 --student conv4-32 --size 16 "
        f"--augment none --batch-size 12 --steps 30 --out {tmp_path} --device cpu"
    )
    assert distill.main(argv.split()) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (tmp_path / "student.onnx").stat().st_size == answer["size_bytes"]
    assert answer["largest_difference"] < 1e-3
    if target == "vectors":
        assert answer["mean_cosine"] > 0.8
    else:
        assert answer["teacher_accuracy"] > 0.9
        assert answer["student_accuracy"] > 0.7
