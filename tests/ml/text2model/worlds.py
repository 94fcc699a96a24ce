"""A world whose classes are described truly: what a class looks like is a hidden linear map of its description."""

import torch

from ml.heads.features import unit
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.hypernetwork import HypernetworkConfig
from ml.text2model.tasks import SeenClasses

TEXT, FEATURES = 24, 16
SMALL = HypernetworkConfig(text_dim=TEXT, feature_dim=FEATURES, trunk=32, target_hidden=8)


def random_texts(*shape: int, seed: int = 0) -> torch.Tensor:
    return unit(torch.randn(*shape, TEXT, generator=torch.Generator().manual_seed(seed)))


def world(*, classes: int = 40, images: int = 12, seed: int = 0) -> SeenClasses:
    """The last eight classes are neither trained nor validated on."""
    rng = torch.Generator().manual_seed(seed)
    meaning = torch.randn(classes, 6, generator=rng)
    words, looks = torch.randn(6, TEXT, generator=rng), torch.randn(6, FEATURES, generator=rng)
    texts = [unit(own @ words + 0.3 * torch.randn(3, TEXT, generator=rng)) for own in meaning[:, None]]
    index = torch.arange(classes).repeat_interleave(images)
    features = meaning[index] @ looks + torch.randn(classes * images, FEATURES, generator=rng)
    return SeenClasses(
        features=features / 3,
        class_index=index,
        bank=DescriptionBank.of({"sentences": texts}),
        train=torch.arange(classes - 14),
        val=torch.arange(classes - 14, classes - 8),
    )
