"""Tiny encoders with real architectures, so that parity is tested in milliseconds."""

import gzip
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

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def random_clip(cfg: dict[str, Any], *, seed: int = 0) -> open_clip.CLIP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return open_clip.CLIP(**json.loads(json.dumps(cfg))).eval()


def write_folder(
    folder: Path, *, seed: int = 0, merges: int | None = None, preprocess: dict[str, Any] | None = None
) -> Path:
    """An encoder in open_clip's folder layout and, at will, with a cut-down vocabulary as the demo encoder has."""
    cfg = json.loads(json.dumps(TINY))
    folder.mkdir(parents=True, exist_ok=True)
    if merges is not None:
        complete = gzip.decompress(Path(open_clip.tokenizer.default_bpe()).read_bytes()).decode()
        (folder / "bpe.txt.gz").write_bytes(gzip.compress("\n".join(complete.split("\n")[: merges + 1]).encode()))
        cfg["text_cfg"]["vocab_size"] = 512 + merges + 2
    model = random_clip(cfg, seed=seed)
    config = {"model_cfg": cfg, "preprocess_cfg": preprocess or {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    return folder


def photographs(count: int = 6) -> list[Image.Image]:
    """Smooth random pictures of several shapes."""
    rng = np.random.default_rng(7)
    shapes = [(120, 90), (64, 64), (90, 200), (33, 40), (300, 64), (65, 130)]
    noise = [Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8)) for _ in range(count)]
    return [n.resize(shapes[i % len(shapes)], Image.Resampling.BICUBIC) for i, n in enumerate(noise)]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def mobilenet() -> Path:
    path = SHARED / "encoders" / "mobilenetv2_100.imagenet.json"
    if not path.is_file():
        pytest.skip("needs ../shared/data/encoders/mobilenetv2_100.imagenet.json")
    return path
