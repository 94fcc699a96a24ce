"""The losses: contrast between images and captions, names as a classifier, and what the teachers know."""

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive(images: Tensor, texts: Tensor, scale: Tensor, labels: Tensor, partner: Tensor, own: Tensor) -> Tensor:
    """CLIP's loss with every caption of an image's class as a positive, and CutMix in the targets.

    Radford et al. 2021 have one positive a row; here a batch holds several images of a class, so the target of a row
    is spread evenly over the captions of its class (Khosla et al., "Supervised contrastive learning", 2020, eq. 2).

    Args:
        images: Unit vectors (B, D).
        texts: Unit vectors (B, D), caption j belonging to class `labels[j]`.
        scale: Logit scale.
        labels: Class of each image (B,); of a mixed one, the class of what is under the box.
        partner: Index of the image in the box (B,).
        own: Share of the image that is its own (B,).
    """
    same = (labels[:, None] == labels).float()
    target = own[:, None] * same + (1 - own)[:, None] * same[partner]
    logits = scale * images @ texts.T
    return 0.5 * (_cross_entropy(logits, target) + _cross_entropy(logits.T, target.T))


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    share = target / target.sum(1, keepdim=True).clamp(min=1e-6)
    return -(share * logits.log_softmax(1)).sum(1).mean()


def by_name(
    images: Tensor, names: Tensor, scale: Tensor, labels: Tensor, partner: Tensor, own: Tensor, *, smoothing: float
) -> Tensor:
    """Cross-entropy over the text vectors of all class names (N, D): the zero-shot classifier, trained as such."""
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


def softened(student: Tensor, teacher: Tensor, *, temperature: float = 2.0) -> Tensor:
    """Kullback-Leibler divergence of softened logits (Hinton, Vinyals, Dean 2015), times the squared temperature."""
    p = (teacher / temperature).softmax(-1)
    return F.kl_div((student / temperature).log_softmax(-1), p, reduction="batchmean") * temperature**2


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length one, in float32 whatever the precision of the forward pass."""
    return F.normalize(vectors.float(), dim=-1)


def mean_of_groups(vectors: Tensor, owner: Tensor, groups: int) -> Tensor:
    """Unit mean (N, D) of the unit vectors (M, D) of each owner 0…N−1."""
    total = torch.zeros(groups, vectors.shape[1], device=vectors.device)
    return unit(total.index_add_(0, owner, unit(vectors)))
