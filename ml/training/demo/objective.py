"""The losses: contrast between images and captions, names as a classifier, and what the teachers know."""

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive(images: Tensor, texts: Tensor, scale: Tensor, owner: Tensor) -> Tensor:
    """CLIP's loss where a text may have several images.

    Radford et al. 2021 have one positive a row; here the target of a text is spread evenly over its images (Khosla et
    al., "Supervised contrastive learning", 2020, eq. 2).

    Args:
        images: Unit vectors (B, D).
        texts: Unit vectors (N, D).
        scale: Logit scale.
        owner: Index of the text of each image (B,).
    """
    target = F.one_hot(owner, len(texts)).float()
    logits = scale * images @ texts.T
    return 0.5 * (_cross_entropy(logits, target) + _cross_entropy(logits.T, target.T))


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    share = target / target.sum(1, keepdim=True).clamp(min=1e-6)
    return -(share * logits.log_softmax(1)).sum(1).mean()


def by_name(
    images: Tensor, names: Tensor, scale: Tensor, labels: Tensor, partner: Tensor, own: Tensor, *, smoothing: float
) -> Tensor:
    """Cross-entropy over one text vector of each class (N, D): the zero-shot classifier, trained as such.

    Mixed images (Zhang et al., "mixup", 2018) have a share `own` (B,) of their own class and the rest of `partner`'s.
    """
    logits = scale * images @ names.T
    first = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    second = F.cross_entropy(logits, labels[partner], reduction="none", label_smoothing=smoothing)
    return (own * first + (1 - own) * second).mean()


def agreement(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus the mean cosine."""
    return 1 - F.cosine_similarity(student, teacher, dim=-1).mean()


def relations(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of the two matrices of cosines within a batch (Park et al., "Relational knowledge
    distillation", CVPR 2019, with cosines in place of distances)."""
    one, two = F.normalize(student, dim=-1), F.normalize(teacher, dim=-1)
    return ((one @ one.T - two @ two.T) ** 2).mean()


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length one, in float32 whatever the precision of the forward pass."""
    return F.normalize(vectors.float(), dim=-1)


def mean_of_groups(vectors: Tensor, owner: Tensor, groups: int) -> Tensor:
    """Unit mean (N, D) of the unit vectors (M, D) of each owner 0…N−1."""
    total = torch.zeros(groups, vectors.shape[1], device=vectors.device)
    return unit(total.index_add_(0, owner, unit(vectors)))
