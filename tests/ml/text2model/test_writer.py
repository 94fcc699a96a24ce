"""What leaves the writer works alone: in torch, in onnxruntime, and after a restart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ml.errors import ArtefactError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.text2model.basis import FeatureBasis, discriminant_basis
from ml.text2model.export import export_onnx
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.projection import KernelSpace
from ml.text2model.writer import ModelWriter, load_writer, save_writer

RAW, TEXT = 1280, 24


def images(n: int = 60) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, RAW, generator=torch.Generator().manual_seed(0)), dim=1)


def texts(n: int, each: int = 1) -> list[torch.Tensor]:
    return list(torch.randn(n, each, TEXT, generator=torch.Generator().manual_seed(1)))


def basis() -> FeatureBasis:
    return discriminant_basis(images(), torch.arange(60) % 6, components=32)


def writer(target: str) -> ModelWriter:
    config = HypernetworkConfig(text_dim=TEXT, feature_dim=32, trunk=16, target=target)  # type: ignore[arg-type]
    return ModelWriter(Hypernetwork(config), basis(), "space-a", "minilm")


@pytest.mark.parametrize("target", ["EV", "IVEV"])
def test_a_written_model_reads_features_as_the_encoder_gives_them(target: str) -> None:
    by = writer(target)
    with torch.no_grad():
        through_basis = by.network(torch.nn.functional.normalize(torch.cat(texts(4)), dim=1)).logits(by.basis(images()))
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


def test_a_class_varies_as_much_in_every_direction_once_that_is_undone() -> None:
    rng = torch.Generator().manual_seed(0)
    index = torch.arange(400) % 4
    stretched = torch.randn(400, 3, generator=rng) * torch.tensor([9.0, 3.0, 1.0]) + torch.randn(4, 3)[index]
    x = stretched @ torch.randn(3, 10, generator=rng) + 5.0
    out = discriminant_basis(x, index, components=3, shrinkage=0.0)(x)
    assert torch.allclose(out.mean(dim=0), torch.zeros(3), atol=1e-4)
    within = torch.cat([out[index == c] - out[index == c].mean(dim=0) for c in range(4)])
    covariance = within.T @ within
    assert torch.allclose(covariance, covariance[0, 0] * torch.eye(3), atol=1e-3 * float(covariance[0, 0]))
    assert float(out.square().sum(dim=1).mean()) == pytest.approx(3.0, rel=1e-4)


def test_the_encoders_own_cosines_can_be_had_back() -> None:
    by, x = basis(), images()
    plain = discriminant_basis(x, torch.arange(60) % 6, components=32, shrinkage=1.0)(x)
    cosines = [torch.nn.functional.normalize(found, dim=1) for found in (by(x) @ by.plain, plain)]
    assert torch.allclose(cosines[0] @ cosines[0].T, cosines[1] @ cosines[1].T, atol=1e-4)


def test_single_images_of_classes_leave_features_as_they_are() -> None:
    by = discriminant_basis(images(), torch.arange(60), components=32)
    assert torch.allclose(by.plain, float(by.plain[0, 0]) * torch.eye(32), atol=1e-4)
    with pytest.raises(ShapeError, match="a class each"):
        discriminant_basis(images(), torch.arange(59))


def test_each_text_of_a_class_is_projected_by_itself() -> None:
    by = started()
    both, one = by.write(texts(3, each=2)), by.network.path
    assert one is not None
    expected = torch.stack(
        [one.space.project(torch.nn.functional.normalize(own, dim=1)).mean(dim=0) for own in texts(3, each=2)]
    )
    found = both.weight @ torch.linalg.pinv(by.basis.matrix)
    cosines = torch.nn.functional.cosine_similarity(found, expected, dim=1)
    assert torch.allclose(cosines, torch.ones(3), atol=1e-4)


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
        by.write([texts(1)[0], torch.zeros(1, TEXT)])
    with pytest.raises(ShapeError, match="a name for each"):
        export_onnx(model, tmp_path / "model.onnx", class_names=["only one"])
    broken = replace(model, bias=torch.tensor([0.0, float("nan"), 0.0]))
    with pytest.raises(NonFiniteError, match="NaN"):
        export_onnx(broken, tmp_path / "model.onnx", class_names=["a", "b", "c"])


def started() -> ModelWriter:
    network = Hypernetwork(HypernetworkConfig(text_dim=TEXT, feature_dim=32, trunk=16))
    landmarks = torch.nn.functional.normalize(torch.cat(texts(7)), dim=1)
    network.start_from(KernelSpace(landmarks, images(7)[:, :32], gamma=2.0))
    return ModelWriter(network, basis(), "space-a", "minilm")


def test_a_started_writer_survives_its_file(tmp_path: Path) -> None:
    by = started()
    save_writer(tmp_path / "writer.safetensors", by)
    again = load_writer(tmp_path / "writer.safetensors")
    assert torch.equal(again.write(texts(3)).weight, by.write(texts(3)).weight)
