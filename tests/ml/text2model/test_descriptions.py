"""Which texts describe a class in a task, and what they come to."""

import pytest
import torch

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.text2model.descriptions import EVERY, DescriptionBank


def bank(kind: str, draws: int = 1) -> DescriptionBank:
    eye = torch.eye(4)
    return DescriptionBank.of({kind: [eye[:1], eye[1:3], eye[3:]]}, draws={kind: draws})


def read(kind: str, classes: torch.Tensor, draws: int = 1) -> torch.Tensor:
    texts = bank(kind, draws)
    return texts.read(texts.draw(kind, classes, generator=torch.Generator().manual_seed(0)))


def test_each_text_of_a_class_is_drawn_and_no_padding() -> None:
    drawn = read("sentences", torch.tensor([[0, 1, 2]] * 50))
    assert torch.equal(drawn[:, 0], torch.eye(4)[:1].expand(50, 4))
    assert set(drawn[:, 1].argmax(dim=-1).tolist()) == {1, 2}
    assert torch.allclose(drawn.norm(dim=-1), torch.ones(50, 3))


def test_a_list_is_all_that_a_class_has_and_no_padding() -> None:
    half = 0.5**0.5
    expected = torch.tensor([[1.0, 0, 0, 0], [0, half, half, 0], [0, 0, 0, 1]])
    assert torch.allclose(read("lists", torch.arange(3), EVERY), expected)


def test_a_negated_class_is_told_by_what_the_others_have() -> None:
    assert torch.equal(read("negated", torch.tensor([0, 2])), torch.eye(4)[[3, 0]])


def test_a_class_without_descriptions_and_broken_vectors_are_refused() -> None:
    with pytest.raises(ConfigError, match="class 1 has no description of kind 'names'"):
        DescriptionBank.of({"names": [torch.ones(1, 4), torch.ones(0, 4)]})
    with pytest.raises(NonFiniteError, match="names"):
        DescriptionBank.of({"names": [torch.full((1, 4), float("nan"))]})
    with pytest.raises(ShapeError, match="differ in length"):
        DescriptionBank.of({"a": [torch.ones(1, 4)], "b": [torch.ones(1, 4)] * 2})
