"""MAML (Finn et al. 2017), its first-order form, and ANIL (Raghu et al. 2020), over E tasks at once."""

from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from ml.training.episode import Episode, EpisodeLearner, full_precision

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

    `pool` is the max-pooling that follows in the network, if any. The largest of normalised values is the normalised
    largest value where no scale is negative: pooling goes first then and leaves a quarter to normalise. That looks at
    values, which only a task that is computed `alone` allows.
    """

    def __init__(self, width: int, *, pool: nn.MaxPool2d | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.pool = pool
        self.count: int | None = None
        self.alone = False

    def forward(self, maps: Tensor) -> Tensor:
        variance, mean = torch.var_mean(maps[: self.count].float(), dim=(0, 2, 3), unbiased=False)
        scale = self.weight * (variance + 1e-5).rsqrt()
        shift = self.bias - mean * scale
        scale, shift = (part.to(maps.dtype).view(1, -1, 1, 1) for part in (scale, shift))
        if self.pool is None:
            return torch.addcmul(shift, maps, scale)
        if self.alone and bool((self.weight >= 0).all()):
            return torch.addcmul(shift, self.pool(maps), scale)
        pooled: Tensor = self.pool(torch.addcmul(shift, maps, scale))
        return pooled


def with_support_norm(network: nn.Module) -> nn.Module:
    """Replace every BatchNorm2d of `network`, in place, by SupportNorm2d, which takes over the pooling behind it."""
    children = dict(network.named_children())
    for name, after in pairwise([*children, ""]):
        child, behind = children[name], children.get(after)
        if not isinstance(child, nn.BatchNorm2d):
            with_support_norm(child)
        elif isinstance(network, nn.Sequential) and isinstance(behind, nn.MaxPool2d):
            setattr(network, name, SupportNorm2d(child.num_features, pool=behind))
            setattr(network, after, nn.Identity())
        else:
            setattr(network, name, SupportNorm2d(child.num_features))
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
        self._autocast = False

    def logits(self, episode: Episode) -> Tensor:
        device = episode.support.device.type
        self._autocast = torch.is_autocast_enabled(device)
        # Autocast would reach the gradients of the head too; `_run` gives it back to the network.
        with full_precision(episode.support):
            return self.one_by_one(episode) if device == "cpu" else self.side_by_side(episode)

    def one_by_one(self, episode: Episode) -> Tensor:
        """The answers task after task. Side by side, weights that differ by task make each convolution a grouped one,
        at which a processor is slow.
        """
        tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
        self._set_norms(alone=True)
        return torch.stack([self._answer(*task, episode.n_way) for task in tasks])

    def side_by_side(self, episode: Episode) -> Tensor:
        """The answers of all tasks at once."""
        self._set_norms(alone=False)
        answer = vmap(self._answer, in_dims=(0, 0, 0, None))
        answers: Tensor = answer(episode.support, episode.support_labels, episode.query, episode.n_way)
        return answers

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
        self._set_norms(count=count)
        device = images.device.type
        with torch.autocast(device, dtype=torch.get_autocast_dtype(device), enabled=self._autocast):
            features: Tensor = functional_call(self.network, body, (images,))
        return features.flatten(1).float()

    def _set_norms(self, **values: int | bool) -> None:
        for module in self.network.modules():
            if isinstance(module, SupportNorm2d):
                for name, value in values.items():
                    setattr(module, name, value)


def _head(weights: Weights, features: Tensor) -> Tensor:
    return features @ weights["head.row"].T + weights["head.offset"]


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels)
