"""A student to take along: it says what its teacher says, in a file that needs nothing of ours."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders import load_encoder
from ml.errors import ShapeError
from ml.training.compact import CompactOptions, CompactStudent, compact_trunk, distill, prepared


def pictures(count: int) -> list[np.ndarray]:
    """Noise, each mostly of one of three colors."""
    rng = np.random.default_rng(0)
    made = rng.integers(0, 90, (count, 40, 56, 3)).astype(np.uint8)
    for i, picture in enumerate(made):
        picture[..., i % 3] += 120
    return list(made)


def encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def trunk() -> torch.nn.Module:
    return compact_trunk()


def test_a_student_learns_to_say_what_its_teacher_says() -> None:
    """The file that it becomes is checked with the run that makes it (tests/server/pipeline/test_students.py)."""
    sure = np.full((96, 3), 0.05, np.float32)
    sure[np.arange(96), np.arange(96) % 3] = 0.9
    made = distill([encoded(p) for p in pictures(96)], sure, options=CompactOptions(steps=150), seed=0)
    assert made.agreement == 1.0 and made.judged == 10
    assert all(torch.equal(p, p.half().float()) for p in made.student.parameters() if p.ndim > 1)


def test_the_trunk_computes_what_the_encoders_does(trunk: torch.nn.Module) -> None:
    whole = load_encoder("demo", dtype="float32").image_tower.get_submodule("trunk")
    pixels = torch.stack([prepared(torch.from_numpy(p)) for p in pictures(4)]) * 2 - 1
    with torch.no_grad():
        near = torch.nn.functional.cosine_similarity(trunk(pixels), whole(pixels))
    assert near.min() > 0.999


def test_the_same_seed_gives_the_same_student(trunk: torch.nn.Module) -> None:
    first, again, other = (CompactStudent(trunk, 3, seed=seed).last.hidden.weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_answers_that_do_not_fit_the_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 rows, 3 images"):
        distill([encoded(p) for p in pictures(3)], np.full((2, 3), 1 / 3, np.float32), options=CompactOptions(), seed=0)
