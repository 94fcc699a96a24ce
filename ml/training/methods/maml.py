"""MAML (Finn et al. 2017), its first-order form, and ANIL (Raghu et al. 2020), over E tasks at once."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from ml.training.episode import Episode, EpisodeLearner

Weights = dict[str, Tensor]
TaskLoss = Callable[[Weights], Tensor]


def adapt(weights: Weights, loss: TaskLoss, *, rate: float, steps: int, first_order: bool) -> Weights:
    """`steps` of θ' = θ - rate · ∇loss(θ) (equation 1), differentiable with respect to `weights`.

    `first_order` treats each gradient as a constant, which drops the Hessian term of the outer gradient.
    """
    for _ in range(steps):
        slopes = grad(loss)(weights)
        if first_order:
            slopes = {name: slope.detach() for name, slope in slopes.items()}
        weights = {name: weight - rate * slopes[name] for name, weight in weights.items()}
    return weights


class SupportNorm2d(nn.Module):
    """BatchNorm whose statistics come from a task's own support images.

    MAML's BatchNorm usually normalises queries by each other, which is transductive. Here the first `count`
    items of the batch are the support set and alone decide mean and variance; the queries that follow are
    normalised by them, one by one. `count` None takes the whole batch.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.count: int | None = None

    def forward(self, maps: Tensor) -> Tensor:
        variance, mean = torch.var_mean(maps[: self.count], dim=(0, 2, 3), unbiased=False, keepdim=True)
        scale = self.weight.view(1, -1, 1, 1) * (variance + 1e-5).rsqrt()
        return (maps - mean) * scale + self.bias.view(1, -1, 1, 1)


def with_support_norm(network: nn.Module) -> nn.Module:
    """Replace every BatchNorm2d of `network`, in place, by SupportNorm2d."""
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, SupportNorm2d(child.num_features))
        else:
            with_support_norm(child)
    return network


class Maml(EpisodeLearner):
    """Learns an initial state from which a few gradient steps on the support set are enough.

    The head starts from one learnt row that all classes share (Ye and Chao 2022): any number of ways, and an
    answer that does not depend on which class is called 0. `head_only` adapts the head alone (ANIL). With
    `transductive` the queries' own statistics normalise them, as in the published numbers.
    """

    name: ClassVar[str] = "maml"
    per_item: ClassVar[bool] = False

    def __init__(
        self,
        network: nn.Module,
        *,
        dimension: int,
        rate: float = 0.05,
        steps: int = 5,
        first_order: bool = False,
        head_only: bool = False,
        transductive: bool = False,
    ) -> None:
        super().__init__()
        self.network = with_support_norm(network)
        self.row = nn.Parameter(torch.zeros(dimension))
        self.offset = nn.Parameter(torch.zeros(()))
        self.rate, self.steps = rate, steps
        self.first_order, self.head_only = first_order, head_only
        self.transductive = transductive

    def logits(self, episode: Episode) -> Tensor:
        answer = vmap(self._answer, in_dims=(0, 0, 0, None))
        return answer(episode.support, episode.support_labels, episode.query, episode.n_way).float()

    def _answer(self, support: Tensor, labels: Tensor, query: Tensor, n_way: int) -> Tensor:
        body: Weights = dict(self.network.named_parameters())
        head = {"head.row": self.row.expand(n_way, -1), "head.offset": self.offset.expand(n_way)}
        if self.head_only:
            features = self._features(body, support, query)
            fixed, rest = features[: len(support)], features[len(support) :]
            adapted = self._adapt(head, lambda w: _loss(_head(w, fixed), labels))
            return _head(adapted, rest)
        adapted = self._adapt({**body, **head}, lambda w: _loss(_head(w, self._features(w, support, None)), labels))
        return _head(adapted, self._features(adapted, support, query)[len(support) :])

    def _adapt(self, weights: Weights, loss: TaskLoss) -> Weights:
        first_order = self.first_order or not self.training
        return adapt(weights, loss, rate=self.rate, steps=self.steps, first_order=first_order)

    def _features(self, weights: Weights, support: Tensor, query: Tensor | None) -> Tensor:
        """Features of the support and, behind it, of the query."""
        body = {name: weight for name, weight in weights.items() if not name.startswith("head.")}
        if query is None:
            return self._run(body, support, count=len(support))
        if self.transductive:
            parts = [self._run(body, part, count=len(part)) for part in (support, query)]
            return torch.cat(parts)
        return self._run(body, torch.cat([support, query]), count=len(support))

    def _run(self, body: Weights, images: Tensor, *, count: int) -> Tensor:
        for module in self.network.modules():
            if isinstance(module, SupportNorm2d):
                module.count = count
        features: Tensor = functional_call(self.network, body, (images,))
        return features.flatten(1)


def _head(weights: Weights, features: Tensor) -> Tensor:
    return features @ weights["head.row"].T + weights["head.offset"]


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels)
