"""Students imitate their teachers and answer alike in onnxruntime."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from ml.errors import ShapeError
from ml.training.augment import AUGMENTATIONS
from ml.training.distillation import Student, TeacherSource, export_student
from ml.training.loop import TrainOptions, train
from ml.training.methods.pretraining import soft_divergence
from ml.training.networks import build_network
from ml.training.sources import BatchSource, Views
from tests.ml.training.test_loop import make_store


def student(outputs: int, target: str) -> Student:
    network = build_network("conv4-32", channels=1, size=16, seed=0)
    return Student(network, dimension=32, outputs=outputs, target=target, generator=torch.Generator().manual_seed(0))


def taught(target: str) -> tuple[Student, Views, torch.Tensor]:
    """A student of a teacher that knows the class: confident logits, or one random unit vector a class."""
    store = make_store(n_classes=4, each=20)
    labels = torch.from_numpy(store.labels)
    if target == "probabilities":
        answers = 6 * F.one_hot(labels, 4).float()
    else:
        answers = F.normalize(torch.randn((4, 24), generator=torch.Generator().manual_seed(0)), dim=1)[labels]
    model = student(answers.shape[1], target)
    views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["drawing"], seed=0)
    source = TeacherSource(BatchSource(views, batch_size=20, seed=0), answers)
    train(model, source=source, options=TrainOptions(steps=40, learning_rate=3e-3))
    return model, views, answers


def test_a_student_of_a_head_gives_the_teachers_class():
    model, views, answers = taught("probabilities")
    with torch.no_grad():
        said = model(views.take(torch.arange(80))).argmax(dim=1)
    assert (said == answers.argmax(dim=1)).float().mean() > 0.95


def test_a_student_of_an_encoder_points_where_the_teacher_does():
    model, views, answers = taught("vectors")
    with torch.no_grad():
        said = model(views.take(torch.arange(80)))
    torch.testing.assert_close(said.norm(dim=1), torch.ones(80))
    assert (said * answers).sum(dim=1).mean() > 0.8


@pytest.mark.parametrize("target", ["probabilities", "vectors"])
def test_an_exported_student_answers_alike_for_any_batch_size(tmp_path, target):
    model = student(5, target)
    statistics = make_store().statistics()
    report = export_student(model, tmp_path / "student.onnx", normalization=statistics, channels=1, size=16)
    assert report.largest_difference < 1e-4
    assert report.size_bytes < 300_000
    session = onnxruntime.InferenceSession(str(report.path))
    for count in (1, 3):
        images = np.random.default_rng(0).random((count, 1, 16, 16), dtype=np.float32)
        answer = session.run(None, {"images": images})[0]
        assert answer.shape == (count, 5)
        length = answer.sum(axis=1) if target == "probabilities" else np.linalg.norm(answer, axis=1)
        np.testing.assert_allclose(length, 1.0, atol=1e-5)


def test_the_divergence_is_zero_for_equal_logits_and_matches_the_formula():
    logits, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    torch.testing.assert_close(soft_divergence(logits, logits), torch.tensor(0.0))
    p, q = (teacher / 4).softmax(1), (logits / 4).softmax(1)
    torch.testing.assert_close(soft_divergence(logits, teacher), 16 * (p * (p / q).log()).sum())


def test_answers_must_match_images():
    store = make_store()
    views = Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["none"], seed=0)
    with pytest.raises(ShapeError):
        TeacherSource(BatchSource(views, batch_size=8, seed=0), torch.zeros(3, 2))
