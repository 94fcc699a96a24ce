"""Three ways from words to a direction in feature space, and the way of examples that takes over from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml.errors import ConfigError
from ml.heads.features import unit
from ml.heads.linear import LinearHead
from ml.icis.autoencoders import IcisConfig, IcisModel, train_icis
from ml.icis.baselines import blend_rows, choose_kernel, kernel_with
from ml.icis.descriptors import Descriptors, Matrix
from ml.text2model.basis import discriminant_basis
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.tasks import SeenClasses
from ml.text2model.training import TrainingConfig, train
from ml.text2model.writer import ModelWriter
from ml.words.describe import Described

METHODS = ("icis", "text2model", "prompt")
FEWEST = 4
"""Classes from which rows of others can be learned."""
FEWEST_TASKS = 8
"""Classes that it takes to train on tasks among them and to keep some for validation."""
STEPS = 300
METRIC_SHRINKAGE = 0.3


@dataclass(frozen=True)
class Writers:
    """What was learned from N seen classes; `directions` writes any number of new ones.

    `described` are the N classes; `icis` and `kernel` (gamma, penalty) read its blocks; `model` is Text2Model's
    network on mapped features; `metric` (D, D) maps a mean of examples to a direction, as the head's own fit does.
    """

    described: Described
    icis: IcisModel
    kernel: tuple[float, float]
    model: ModelWriter | None
    metric: Tensor

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that can be used here."""
        there = {"icis": True, "text2model": self.model is not None, "prompt": self.described.tower is not None}
        return tuple(method for method in METHODS if there[method])

    def directions(self, method: str, head: LinearHead, new: Described) -> Tensor:
        """(U, D) float32 directions about the mean of the head's rows, of no particular length.

        Raises:
            SpaceMismatchError: `new` was described by other encoders than the seen classes.
            ConfigError: The method is not at hand.
        """
        self.described.require_same(new)
        if method not in self.methods:
            raise ConfigError(f"{method!r} is not at hand here; choose one of {', '.join(self.methods)}")
        if method == "prompt":
            assert new.tower is not None
            assert self.described.tower is not None
            return unit(unit(new.tower) - unit(self.described.tower).mean(dim=0))
        if method == "icis":
            return self._injected(head, new)
        assert self.model is not None
        written = self.model.write([*self.described.texts, *new.texts], text_space=new.text_space).weight
        seen = len(self.described)
        return written[seen:] - written[:seen].mean(dim=0)

    def _injected(self, head: LinearHead, new: Described) -> Tensor:
        """The mean of ICIS and kernel regression, as `ml.icis.inject` has it."""
        n, u = len(self.described), len(new)
        seen, unseen = np.arange(n), np.arange(n, n + u)
        blocks = descriptors_of(self.described, new)
        rows = head.weight.double().cpu().numpy()
        mean = rows.mean(axis=0)
        by_net = self.icis.directions(blocks.matrix(seen)[unseen]) + mean
        by_kernel = kernel_with(blocks, rows, seen=seen, unseen=unseen, pair=self.kernel)
        return torch.from_numpy((blend_rows(by_net, by_kernel, rows) - mean).astype(np.float32))

    def from_examples(self, mean_feature: Tensor, center: Tensor) -> Tensor:
        """(U, D) directions of classes whose mapped examples have mean (U, D)."""
        return (mean_feature - center) @ self.metric


def descriptors_of(seen: Described, new: Described | None = None) -> Descriptors:
    """Sentence vectors and, where there are any, prompt vectors, side by side."""
    parts = [seen] if new is None else [seen, new]
    blocks: dict[str, Matrix] = {"sentences": torch.cat([part.sentences for part in parts]).double().numpy()}
    towers = [part.tower for part in parts if part.tower is not None]
    if len(towers) == len(parts):
        blocks["tower"] = torch.cat(towers).double().numpy()
    return Descriptors.of(blocks)


def fit_writers(
    head: LinearHead,
    described: Described,
    *,
    features: Tensor,
    class_index: Tensor,
    seed: int,
    methods: Sequence[str] = METHODS,
    icis: IcisConfig | None = None,
) -> Writers:
    """Learn from a head's N classes, their words, and mapped features (S, D) of confirmed images.

    Raises:
        ConfigError: Fewer than four classes.
    """
    n = head.n_classes
    if n < FEWEST or len(described) != n:
        raise ConfigError(f"rows of new classes are learned from at least {FEWEST} described classes, got {n}")
    rows, seen = head.weight.double().cpu().numpy(), np.arange(n)
    blocks = descriptors_of(described)
    config = icis or IcisConfig()
    net = train_icis(blocks.matrix(seen), rows, seen=seen, unseen=seen[:0], config=config, seed=seed)
    model = None
    if "text2model" in methods and n >= FEWEST_TASKS:
        model = _text2model(described, features, class_index, seed=seed)
    kernel = choose_kernel(blocks.cosines(seen), rows, seed=seed)
    return Writers(described, net, kernel, model, metric(features, class_index, n_classes=n))


def _text2model(described: Described, features: Tensor, class_index: Tensor, *, seed: int) -> ModelWriter:
    """A hypernetwork for these features; a sixth of the classes is kept to say when to stop."""
    n = len(described)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    val, learn = order[: max(2, n // 6)].sort().values, order[max(2, n // 6) :].sort().values
    learned = torch.isin(class_index, learn)
    basis = discriminant_basis(features[learned], class_index[learned])
    bank = DescriptionBank.of({"texts": described.texts}, draws={"texts": 2})
    seen = SeenClasses(basis(features), class_index, bank, learn, val)
    config = HypernetworkConfig(text_dim=bank.text_dim, feature_dim=basis.matrix.shape[0])
    trained = train(Hypernetwork(config, seed=seed), seen, config=TrainingConfig(steps=STEPS), seed=seed)
    return ModelWriter(trained.network, basis, described.space, described.text_space)


def metric(features: Tensor, class_index: Tensor, *, n_classes: int) -> Tensor:
    """(D, D) inverse of the shrunk covariance within classes: what Gaussian discriminants multiply a mean by."""
    sums = features.new_zeros(n_classes, features.shape[1]).index_add_(0, class_index, features)
    means = sums / torch.bincount(class_index, minlength=n_classes).clamp(min=1)[:, None]
    within = (features - means[class_index]).double()
    covariance = within.T @ within / max(len(features) - n_classes, 1)
    ridge = METRIC_SHRINKAGE * covariance.diagonal().mean().clamp(min=1e-9)
    inner = covariance + ridge * torch.eye(len(covariance), dtype=torch.float64)
    out: Tensor = (ridge * torch.linalg.inv(inner)).float()
    return out
