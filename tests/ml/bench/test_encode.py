"""The encoding benchmark prints what it promises, from a folder and from a Parquet file."""

import io
import json

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ml.bench import encode
from ml.errors import ConfigError

PROMISED = {
    "images_per_s",
    "forward_images_per_s",
    "ratio",
    "decode_images_per_s_per_core",
    "peak_rss_mb",
    "encoder",
    "device",
    "dtype",
}


def jpeg(seed):
    noise = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8))
    buffer = io.BytesIO()
    noise.resize((40, 32)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    cfg = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 8, "width": 16, "heads": 1, "layers": 1},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = open_clip.CLIP(**json.loads(json.dumps(cfg)))
    save_file(dict(model.state_dict()), folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps(cfg))
    return str(folder)


def run(capsys, *arguments):
    assert encode.main([*arguments, "--limit", "8", "--rounds", "1", "--workers", "1", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_json_object_with_everything_that_is_promised(tmp_path, encoder, capsys):
    (tmp_path / "notes.txt").write_text("not an image")
    for seed in range(3):
        (tmp_path / f"{seed}.jpg").write_bytes(jpeg(seed))
    result = run(capsys, "--images", str(tmp_path), "--encoder", encoder, "--baseline", "--matmul-ceiling")
    assert set(result) >= PROMISED | {"baseline_images_per_s", "speedup", "matmul_ceiling_tflops", "share_of_ceiling"}
    assert result["images"] == 8
    assert result["images_per_s"] > 0
    assert result["peak_rss_mb"] > 50


def test_a_parquet_file_is_read_and_images_are_reencoded_at_will(tmp_path, encoder, capsys):
    path = tmp_path / "images.parquet"
    pq.write_table(pa.table({"image": [jpeg(seed) for seed in range(9)]}), path)
    result = run(capsys, "--images", str(path), "--encoder", encoder, "--shorter-side", "64", "--dtype", "float32")
    assert (result["dtype"], result["shorter_side"]) == ("float32", 64)


def test_flops_are_counted_from_the_model_itself(encoder):
    from ml.encoders import load_encoder

    # 4 patches and a class token through one layer of width 32 (MLP 128): projections 5·(4·32² + 2·32·128),
    # attention 2·5²·32, patches 4·3·16²·32, output 32·16; two operations each.
    expected = 2 * (5 * (4 * 32**2 + 2 * 32 * 128) + 2 * 5**2 * 32 + 4 * 3 * 16**2 * 32 + 32 * 16)
    assert encode.flops_an_image(load_encoder(encoder, dtype="float32")) == pytest.approx(expected, rel=0.02)


def test_a_path_without_images_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no JPEG"):
        list(encode.read_images(tmp_path, limit=1))
    with pytest.raises(ConfigError, match="nothing at"):
        list(encode.read_images(tmp_path / "away", limit=1))
    pq.write_table(pa.table({"picture": [b""]}), tmp_path / "x.parquet")
    with pytest.raises(ConfigError, match="needs one called image"):
        list(encode.read_images(tmp_path / "x.parquet", limit=1))
