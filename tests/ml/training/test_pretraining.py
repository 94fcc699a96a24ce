"""Pretraining beside a rotation task: every turn of every image, or of a share of a batch, each image seen once."""

import torch
from torch import nn

from ml.training.methods.pretraining import Pretraining, turn_all, turn_some
from ml.training.sources import Batch

IMAGES = torch.arange(16 * 3 * 4 * 4, dtype=torch.float32).view(16, 3, 4, 4)


def test_all_four_turns_of_each_image_lie_turn_by_turn() -> None:
    images, turns = turn_all(IMAGES)
    assert images.shape == (64, 3, 4, 4)
    assert turns.tolist() == [turn for turn in range(4) for _ in range(16)]
    assert torch.equal(images[35], IMAGES[3].flip(1, 2))


def test_a_share_is_turned_a_third_of_it_each_way_and_no_image_is_seen_twice() -> None:
    images, turns = turn_some(IMAGES, share=0.375)
    assert turns.tolist() == [0] * 10 + [1] * 2 + [2] * 2 + [3] * 2
    back = [torch.rot90(image, -int(turn), dims=(1, 2)) for image, turn in zip(images, turns, strict=True)]
    assert torch.equal(torch.stack(back), IMAGES)


def test_turns_are_told_apart_beside_the_classes_of_the_same_images() -> None:
    """A network that sees nothing is exactly as unsure as guessing: ln 5 of five classes plus ln 4 of four turns."""
    for share in (1.0, 0.375):
        model = Pretraining(
            nn.Flatten(),
            dimension=48,
            n_classes=5,
            rotation_weight=1.0,
            turned_share=share,
            generator=torch.Generator().manual_seed(0),
        )
        for head in (model.class_head, model.turn_head):
            nn.init.zeros_(head.weight)
        loss = model.loss(Batch(IMAGES, torch.arange(16) % 5))
        assert torch.allclose(loss, torch.tensor(20.0).log())
