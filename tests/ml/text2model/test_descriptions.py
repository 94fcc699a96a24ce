"""Descriptions as owners write them: short, long, twice, or not at all."""

import pytest
import torch

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.text2model.descriptions import LONGEST, DescriptionBank, checked_texts


@pytest.mark.parametrize("text", ["", "  \n", "…!"])
def test_a_class_without_a_word_is_named_and_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"classes \[1\] have no text"):
        checked_texts(["a fox", text])


def test_one_word_is_enough_and_noted() -> None:
    checked = checked_texts(["fox", "a bird of the night"])
    assert checked.texts == ["fox", "a bird of the night"]
    assert "single word" in checked.notes[0]
    assert 1 not in checked.notes


def test_ten_thousand_characters_are_cut_and_noted() -> None:
    checked = checked_texts(["red fox " * 1250])
    assert len(checked.texts[0]) == LONGEST
    assert "9,999 characters" in checked.notes[0]


def test_duplicates_are_noted_with_what_they_equal() -> None:
    checked = checked_texts(["A red  fox", "a red fox", "an owl"], seen=["a horse", "An OWL"])
    assert checked.notes[1] == "is described exactly as new class 0; say what sets them apart"
    assert checked.notes[2] == "is described exactly as seen class 1; say what sets it apart"


def bank(kind: str, draws: int = 1) -> DescriptionBank:
    eye = torch.eye(4)
    return DescriptionBank.of({kind: [eye[:1], eye[1:3], eye[3:]]}, draws={kind: draws})


def test_each_description_of_a_class_is_drawn_and_no_padding() -> None:
    classes = torch.tensor([[0, 1, 2]] * 50)
    drawn = bank("sentences").draw("sentences", classes, generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn[:, 0], torch.eye(4)[:1].expand(50, 4))
    assert set(drawn[:, 1].argmax(dim=-1).tolist()) == {1, 2}
    assert torch.allclose(drawn.norm(dim=-1), torch.ones(50, 3))


def test_a_negated_class_is_told_by_what_the_others_have() -> None:
    drawn = bank("negated").draw("negated", torch.tensor([0, 2]), generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn, torch.eye(4)[[3, 0]])


def test_a_class_without_descriptions_and_broken_vectors_are_refused() -> None:
    with pytest.raises(ConfigError, match="class 1 has no description of kind 'names'"):
        DescriptionBank.of({"names": [torch.ones(1, 4), torch.ones(0, 4)]})
    with pytest.raises(NonFiniteError, match="names"):
        DescriptionBank.of({"names": [torch.full((1, 4), float("nan"))]})
    with pytest.raises(ShapeError, match="differ in length"):
        DescriptionBank.of({"a": [torch.ones(1, 4)], "b": [torch.ones(1, 4)] * 2})
