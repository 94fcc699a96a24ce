"""Models of the hub: fetched once, reused without a network, and never silently something else."""

import hashlib
import json
import os
import pickle
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import open_clip
import pytest

from ml.encoders import load_encoder
from ml.encoders.hub import hub_file
from ml.errors import ArtefactError, EncoderUnavailableError

from .conftest import photographs, write_folder

COMMIT = "a" * 40


class Hub(SimpleHTTPRequestHandler):
    """As much of the hub's protocol as a download needs: ORG/MODEL/resolve/main/FILE with commit and etag."""

    def translate_path(self, path):
        return super().translate_path(path.replace("/resolve/main/", "/"))

    def end_headers(self):
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"' + hashlib.sha256(self.path.encode()).hexdigest() + '"')
        super().end_headers()

    def send_error(self, code, message=None, explain=None):
        self.send_response(code)
        folder = self.translate_path(self.path).rpartition("/")[0]
        self.send_header("X-Error-Code", "EntryNotFound" if os.path.isdir(folder) else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    root = tmp_path / "hub"
    write_folder(root / "winnow" / "tiny")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    yield root, server
    server.shutdown()
    server.server_close()


def test_a_hub_model_is_fetched_once_and_reused_without_the_hub(hub, tmp_path):
    root, server = hub
    cache = tmp_path / "cache"
    first = load_encoder("hf-hub:winnow/tiny", cache_dir=cache, dtype="float32")
    server.shutdown()
    server.server_close()
    shutil.rmtree(root)
    second = load_encoder("hf-hub:winnow/tiny", cache_dir=cache, dtype="float32")
    assert second.fingerprint == first.fingerprint
    assert np.array_equal(first.encode_images(photographs()), second.encode_images(photographs()))
    assert second.encode_texts(["a"]).shape == (1, 32)


def test_a_cache_that_was_copied_here_is_enough(tmp_path):
    snapshot = tmp_path / "models--winnow--tiny" / "snapshots" / COMMIT
    write_folder(snapshot)
    refs = tmp_path / "models--winnow--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT)
    assert load_encoder("hf-hub:winnow/tiny", cache_dir=tmp_path).dim == 32


def test_a_pretrained_tag_comes_through_the_same_cache(tmp_path, monkeypatch, tiny_folder):
    monkeypatch.setitem(
        open_clip.factory._MODEL_CONFIGS,
        "Tiny",
        json.loads((tiny_folder / "open_clip_config.json").read_text())["model_cfg"],
    )
    cfg = {"hf_hub": "winnow/tiny/", "mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bilinear"}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "Tiny", {"first": cfg})
    snapshot = tmp_path / "models--winnow--tiny" / "snapshots" / COMMIT
    shutil.copytree(tiny_folder, snapshot)
    refs = tmp_path / "models--winnow--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT)
    encoder = load_encoder("open_clip:Tiny/first", cache_dir=tmp_path)
    assert encoder.preprocessing.mean == (0.5, 0.5, 0.5)
    assert encoder.preprocessing.interpolation == "bilinear"


def test_safetensors_are_preferred_to_pickles(hub, tmp_path):
    root, _ = hub
    (root / "winnow" / "tiny" / "open_clip_pytorch_model.bin").write_bytes(b"never read")
    names = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
    assert hub_file("winnow/tiny", names, cache_dir=tmp_path).suffix == ".safetensors"


def test_a_pickle_that_runs_code_is_refused(hub, tmp_path):
    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    root, _ = hub
    folder = root / "winnow" / "tiny"
    (folder / "open_clip_model.safetensors").unlink()
    (folder / "open_clip_pytorch_model.bin").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(ArtefactError, match="without running code"):
        load_encoder("hf-hub:winnow/tiny", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "touched").exists()


def test_an_unknown_repository_is_named(hub, tmp_path):
    with pytest.raises(EncoderUnavailableError, match="winnow/nothing"):
        load_encoder("hf-hub:winnow/nothing", cache_dir=tmp_path / "cache")


def test_no_network_and_no_cache_names_the_next_step(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("hf-hub:winnow/tiny", "open_clip:ViT-B-32/laion2b_s34b_b79k", "timm:test_vit.r160_in1k"):
        with pytest.raises(EncoderUnavailableError, match="Connect to the network once"):
            load_encoder(name, cache_dir=tmp_path)
