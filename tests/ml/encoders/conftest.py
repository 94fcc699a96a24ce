"""Tiny encoders with real architectures, so that parity is tested in milliseconds."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def photograph(seed: int, *, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A smooth random picture: it has low frequencies, as photographs have."""
    noise = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def as_bytes(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def random_clip(cfg: dict[str, Any], *, seed: int = 0) -> open_clip.CLIP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return open_clip.CLIP(**cfg).eval()


def write_folder(folder: Path, *, seed: int = 0, merges: int | None = None) -> Path:
    """An encoder in the layout of the demo encoder: config.json, weights.safetensors and, at will, few merges."""
    cfg = json.loads(json.dumps(TINY))
    folder.mkdir(parents=True, exist_ok=True)
    if merges is not None:
        lines = gzip.decompress(Path(open_clip.tokenizer.default_bpe()).read_bytes()).decode().split("\n")[: merges + 1]
        (folder / "bpe.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
        cfg["text_cfg"]["vocab_size"] = 512 + merges + 2
    model = random_clip(cfg, seed=seed)
    (folder / "config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": {}}))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "weights.safetensors")
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def mobilenet() -> Path:
    path = SHARED / "encoders" / "mobilenetv2_100.imagenet.json"
    if not path.is_file():
        pytest.skip("needs ../shared/data/encoders/mobilenetv2_100.imagenet.json")
    return path
