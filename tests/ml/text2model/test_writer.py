"""What leaves the writer works alone: in torch, in onnxruntime, and after a restart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ml.errors import ArtefactError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.text2model.basis import principal_basis
from ml.text2model.export import export_onnx
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.projection import KernelSpace
from ml.text2model.writer import ModelWriter, load_writer, save_writer

RAW, TEXT = 1280, 24


def images(n: int = 60) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, RAW, generator=torch.Generator().manual_seed(0)), dim=1)


def texts(n: int) -> torch.Tensor:
    return torch.randn(n, TEXT, generator=torch.Generator().manual_seed(1))


def writer(target: str) -> ModelWriter:
    config = HypernetworkConfig(text_dim=TEXT, feature_dim=32, trunk=16, target=target)  # type: ignore[arg-type]
    return ModelWriter(Hypernetwork(config), principal_basis(images(), components=32), "space-a", "minilm")


@pytest.mark.parametrize("target", ["EV", "IVEV"])
def test_a_written_model_reads_features_as_the_encoder_gives_them(target: str) -> None:
    by = writer(target)
    with torch.no_grad():
        through_basis = by.network(torch.nn.functional.normalize(texts(4), dim=1)).logits(by.basis(images()))
    assert torch.allclose(by.write(texts(4)).logits(images(), space="space-a"), through_basis, atol=1e-4)


@pytest.mark.parametrize("target", ["EV", "IVEV"])
@pytest.mark.parametrize("ways", [2, 50])
def test_the_export_runs_without_its_writer_and_agrees(target: str, ways: int, tmp_path: Path) -> None:
    model = writer(target).write(texts(ways))
    file = tmp_path / "model.onnx"
    size = export_onnx(model, file, class_names=[f"class {n}" for n in range(ways)])
    assert size == file.stat().st_size <= 300_000
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"features": images().numpy()})
    assert np.abs(found - model.logits(images()).numpy()).max() < 1e-4
    assert session.get_modelmeta().custom_metadata_map["space"] == "space-a"


def test_principal_directions_keep_what_varies() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(200, 2, generator=rng) @ torch.randn(2, 10, generator=rng) + 5.0
    basis = principal_basis(x, components=2, whiten=1.0)
    out = basis(x)
    assert torch.allclose(out.mean(dim=0), torch.zeros(2), atol=1e-4)
    assert torch.allclose(out.T @ out / 199, torch.eye(2), atol=1e-3)


def test_a_saved_writer_writes_the_same_models(tmp_path: Path) -> None:
    by = writer("IVEV")
    save_writer(tmp_path / "writer.safetensors", by)
    again = load_writer(tmp_path / "writer.safetensors")
    assert torch.equal(again.write(texts(3)).logits(images()), by.write(texts(3)).logits(images()))
    (tmp_path / "other.safetensors").write_bytes(b"no such thing")
    with pytest.raises(ArtefactError, match="cannot be read as a writer"):
        load_writer(tmp_path / "other.safetensors")


def test_vectors_of_another_space_and_unusable_ones_are_refused(tmp_path: Path) -> None:
    by = writer("EV")
    model = by.write(texts(3), text_space="minilm")
    with pytest.raises(SpaceMismatchError, match="space-b"):
        model.logits(images(), space="space-b")
    with pytest.raises(SpaceMismatchError, match="other-text"):
        by.write(texts(3), text_space="other-text")
    with pytest.raises(NonFiniteError, match="no usable vector"):
        by.write(texts(3) * torch.tensor([[1.0], [0.0], [1.0]]))
    with pytest.raises(ShapeError, match="a name for each"):
        export_onnx(model, tmp_path / "model.onnx", class_names=["only one"])
    broken = replace(model, bias=torch.tensor([0.0, float("nan"), 0.0]))
    with pytest.raises(NonFiniteError, match="NaN"):
        export_onnx(broken, tmp_path / "model.onnx", class_names=["a", "b", "c"])


def test_a_started_writer_survives_its_file(tmp_path: Path) -> None:
    network = Hypernetwork(HypernetworkConfig(text_dim=TEXT, feature_dim=32, trunk=16))
    landmarks = torch.nn.functional.normalize(texts(7), dim=1)
    network.start_from(KernelSpace(landmarks, images(7)[:, :32], torch.zeros(32), gamma=2.0))
    by = ModelWriter(network, principal_basis(images(), components=32), "space-a", "minilm")
    save_writer(tmp_path / "writer.safetensors", by)
    again = load_writer(tmp_path / "writer.safetensors")
    assert torch.equal(again.write(texts(3)).weight, by.write(texts(3)).weight)
