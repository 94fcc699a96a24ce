"""ICIS: two auto-encoders that meet in one latent space, one of descriptors and one of classifier rows.

Reference: Christensen, Mancini, Koepke, Winther, Akata, "Image-free Classifier Injection for Zero-Shot
Classification", ICCV 2023. Four cosine losses: descriptor → descriptor (seen and unseen classes), row → row,
descriptor → row and row → descriptor (seen classes).

Differs from the paper: descriptors and rows are centered on the seen classes first; the descriptor encoder reads its
input through noise (denoising, after Vincent et al., 2008), without which a thousand rows are learned by heart in ten
epochs; batches are larger and the learning rate with them, so that 1,000 classes take seconds on a CPU; the number of
epochs is chosen on seen classes that are hidden in turn (`choose_epochs`), because the paper's slope rule alone
over-fits on these data. The slope rule still ends a training that no longer moves.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ml.errors import NonFiniteError, ShapeError, SpaceMismatchError
from ml.icis.descriptors import Matrix

PATIENCE = 6
FEW_HIDDEN = 10
"""Where a tenth of the seen classes is fewer than this, up to a quarter of them is hidden."""
IntVector = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True)
class IcisConfig:
    """`hidden`, `batch`, `learning_rate` are ours (paper: 2048, 16, 1e-5): as accurate, in a tenth of the time."""

    hidden: int = 1024
    batch: int = 128
    learning_rate: float = 1e-3
    max_epochs: int = 30
    noise: float = 1.0
    """Length of the random vector added to each descriptor (of length 1) as it is read, not as it is written."""
    components: int = 400
    """Rows are trained on in their leading principal directions; the rest costs time and says little."""
    slope: float = 2e-3
    window: int = 10
    patience: int = 5
    restarts: int = 2
    """Networks that are averaged: two starts differ by about a point, their mean does not."""


class _Network(nn.Module):
    def __init__(self, descriptor_dim: int, row_dim: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.encode_descriptor = nn.Linear(descriptor_dim, hidden)
        self.decode_descriptor = nn.Linear(hidden, descriptor_dim)
        self.encode_row = nn.Linear(row_dim, hidden)
        self.decode_row = nn.Linear(hidden, row_dim)
        for layer in self.children():
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, 0.0, 0.02, generator=generator)
            nn.init.zeros_(layer.bias)

    def rows(self, descriptors: Tensor) -> Tensor:
        out: Tensor = self.decode_row(torch.relu(self.encode_descriptor(descriptors)))
        return out

    def loss(self, descriptors: Tensor, rows: Tensor, extra: Tensor, noise: Tensor) -> Tensor:
        """`extra` are descriptors of classes without a row: they only train the descriptor auto-encoder.

        `noise`, as long as both together, is added to what is read.
        """
        both = torch.cat([descriptors, extra])
        latent = torch.relu(self.encode_descriptor(both + noise))
        latent_row = torch.relu(self.encode_row(rows))
        loss = (
            _distance(self.decode_descriptor(latent), both)
            + _distance(self.decode_descriptor(latent_row), descriptors)
            + _distance(self.decode_row(latent_row), rows)
            + _distance(self.decode_row(latent[: len(rows)]), rows)
        )
        return loss


def _distance(p: Tensor, q: Tensor) -> Tensor:
    return (1.0 - torch.cosine_similarity(p, q, dim=1)).mean()


@dataclass(frozen=True)
class IcisFit:
    """Injected rows (U, Dw) float64, the epochs used, and the training loss after each."""

    rows: Matrix
    epochs: int
    losses: list[float]


@dataclass(frozen=True)
class IcisModel:
    """What a training leaves: each start's reader of descriptors and writer of rows.

    `tensors` hold, for each start, `{i}.read.weight` (H, Da), `{i}.read.bias` (H,), `{i}.write.weight` (C, H),
    `{i}.write.bias` (C,) float32, and once `directions` (C, Dw).
    """

    tensors: dict[str, Tensor]
    epochs: int
    losses: list[float]

    @property
    def starts(self) -> int:
        return sum(name.endswith("read.bias") for name in self.tensors)

    def directions(self, descriptors: Matrix) -> Matrix:
        """(U, Dw) rows about the seen mean, of no particular length, from descriptors (U, Da).

        Raises:
            SpaceMismatchError: Descriptors of another length than those it was trained with.
        """
        a = torch.as_tensor(descriptors, dtype=torch.float32)
        expected = self.tensors["0.read.weight"].shape[1]
        if a.ndim != 2 or a.shape[1] != expected:
            raise SpaceMismatchError(
                f"this model reads descriptors (U, {expected}), got {tuple(a.shape)}; describe the new classes with "
                "the encoder that described the seen ones"
            )
        total = torch.zeros(len(a), self.tensors["directions"].shape[1], dtype=torch.float64)
        for i in range(self.starts):
            read = (self.tensors[f"{i}.read.weight"], self.tensors[f"{i}.read.bias"])
            write = (self.tensors[f"{i}.write.weight"], self.tensors[f"{i}.write.bias"])
            latent = torch.relu(nn.functional.linear(a, *read))
            total += (nn.functional.linear(latent, *write) @ self.tensors["directions"]).double()
        out: Matrix = (total / self.starts).numpy()
        return out


def icis_rows(
    descriptors: Matrix, rows_seen: Matrix, *, seen: IntVector, unseen: IntVector, config: IcisConfig, seed: int
) -> IcisFit:
    """Rows for `unseen` classes, at the mean length of the seen rows about their mean.

    Args:
        descriptors: (N, Da) unit norm, of seen and unseen classes.
        rows_seen: (S, Dw) classifier rows [weight, bias], in the order of `seen`.
        seen: (S,) class of each row. unseen: (U,) classes to write.

    Raises:
        ShapeError, NonFiniteError: Inputs that cannot be trained on, or a loss that left the numbers.
    """
    model = train_icis(descriptors, rows_seen, seen=seen, unseen=unseen, config=config, seed=seed)
    return IcisFit(matched(model.directions(descriptors[unseen]), rows_seen), model.epochs, model.losses)


def train_icis(
    descriptors: Matrix, rows_seen: Matrix, *, seen: IntVector, unseen: IntVector, config: IcisConfig, seed: int
) -> IcisModel:
    """As `icis_rows`, but what is learned is kept: it writes rows for classes that nobody has thought of yet.

    `unseen` may be empty; those that are known beforehand only train the auto-encoder of descriptors.
    """
    _check(descriptors, rows_seen, seen)
    epochs = choose_epochs(descriptors, rows_seen, seen=seen, config=config, seed=seed)
    tensors: dict[str, Tensor] = {}
    losses: list[float] = []
    for restart in range(config.restarts):
        training = _Training(descriptors, rows_seen, seen=seen, unseen=unseen, config=config, seed=seed + restart)
        losses = [training.epoch() for _ in range(epochs)]
        tensors |= {f"{restart}.{name}": part for name, part in training.parts().items()}
        tensors["directions"] = training.directions.contiguous()
    return IcisModel(tensors, epochs, losses)


def choose_epochs(
    descriptors: Matrix, rows_seen: Matrix, *, seen: IntVector, config: IcisConfig, seed: int, hidden_share: float = 0.1
) -> int:
    """The number of epochs after which rows of hidden seen classes are found best by their true rows.

    No image and no test class is used: a tenth of the seen classes is hidden, written from its descriptors after
    every epoch, and each hidden class's true row stands in for its images in a classification among them.
    Stops early when the loss no longer falls (the paper's slope rule) or `PATIENCE` epochs in a row were no better.
    """
    rng = np.random.default_rng(seed)
    hide = max(2, round(len(seen) * hidden_share), min(len(seen) // 4, FEW_HIDDEN))
    hidden = np.sort(rng.choice(len(seen), hide, replace=False))
    kept = np.setdiff1d(np.arange(len(seen)), hidden)
    training = _Training(
        descriptors, rows_seen[kept], seen=seen[kept], unseen=seen[hidden], config=config, seed=seed + 1000
    )
    best, best_epoch, losses = -1.0, 1, []
    for epoch in range(1, config.max_epochs + 1):
        losses.append(training.epoch())
        found = retrieval(matched(training.rows(seen[hidden]), rows_seen[kept]), rows_seen[hidden], rows_seen[kept])
        if found > best:
            best, best_epoch = found, epoch
        if epoch - best_epoch >= PATIENCE or _flat(losses, config):
            break
    return best_epoch


def retrieval(written: Matrix, true: Matrix, seen_rows: Matrix) -> float:
    """Share of classes whose true row, taken as an image, is classified as its own class by the written rows."""
    probes = true - seen_rows.mean(axis=0)
    return float(((probes @ written.T).argmax(axis=1) == np.arange(len(true))).mean())


def matched(rows: Matrix, rows_seen: Matrix) -> Matrix:
    """Rows moved back to the seen mean, at the mean length that seen rows have about it."""
    mean = rows_seen.mean(axis=0)
    length = np.linalg.norm(rows_seen - mean, axis=1).mean()
    norms = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    out: Matrix = rows / norms * length + mean
    return out


def _flat(losses: list[float], config: IcisConfig) -> bool:
    """The slope rule: the mean over a window fell by less than `slope` an epoch, `patience` times in a row."""
    window = config.window
    if len(losses) < 2 * window + config.patience:
        return False
    slopes = [
        (np.mean(losses[end - 2 * window : end - window]) - np.mean(losses[end - window : end])) / window
        for end in range(len(losses) - config.patience + 1, len(losses) + 1)
    ]
    return bool(max(slopes) < config.slope)


class _Training:
    """One network in training: centered rows, shuffled batches, Adam."""

    def __init__(
        self,
        descriptors: Matrix,
        rows_seen: Matrix,
        *,
        seen: IntVector,
        unseen: IntVector,
        config: IcisConfig,
        seed: int,
    ) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.config = config
        self.all = torch.as_tensor(descriptors, dtype=torch.float32)
        self.descriptors = self.all[torch.as_tensor(seen)]
        self.extra = self.all[torch.as_tensor(unseen)]
        centered = torch.as_tensor(rows_seen - rows_seen.mean(axis=0), dtype=torch.float32)
        directions: Tensor = torch.linalg.svd(centered, full_matrices=False)[2]
        self.directions = directions[: config.components]
        self.targets = centered @ self.directions.T
        self.network = _Network(self.all.shape[1], self.targets.shape[1], config.hidden, self.generator)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)

    def epoch(self) -> float:
        """One pass over the seen classes; the mean loss."""
        order = torch.randperm(len(self.targets), generator=self.generator)
        total = 0.0
        share = max(1, round(self.config.batch * len(self.extra) / max(1, len(order))))
        for start in range(0, len(order), self.config.batch):
            batch = order[start : start + self.config.batch]
            wanted = min(share, len(self.extra))
            picked = torch.randint(max(1, len(self.extra)), (wanted,), generator=self.generator)
            noise = torch.randn(len(batch) + len(picked), self.all.shape[1], generator=self.generator)
            noise *= self.config.noise / self.all.shape[1] ** 0.5
            loss = self.network.loss(self.descriptors[batch], self.targets[batch], self.extra[picked], noise)
            if not bool(torch.isfinite(loss)):
                raise NonFiniteError("the loss left the numbers; check the descriptors and lower the learning rate")
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += float(loss.detach()) * len(batch)
        return total / len(order)

    def parts(self) -> dict[str, Tensor]:
        """The two layers that write a row from a descriptor."""
        layers = {"read": self.network.encode_descriptor, "write": self.network.decode_row}
        return {
            f"{name}.{kind}": getattr(layer, kind).detach().clone()
            for name, layer in layers.items()
            for kind in ("weight", "bias")
        }

    def rows(self, classes: IntVector) -> Matrix:
        with torch.no_grad():
            written = self.network.rows(self.all[torch.as_tensor(classes)]) @ self.directions
        out: Matrix = written.double().numpy()
        return out


def _check(descriptors: Matrix, rows_seen: Matrix, seen: IntVector) -> None:
    if len(rows_seen) != len(seen) or len(seen) < 4:
        raise ShapeError(f"expected one row for each of at least 4 seen classes, got {len(rows_seen)} for {len(seen)}")
    if not np.isfinite(rows_seen).all() or not np.isfinite(descriptors).all():
        raise NonFiniteError("NaN or infinity among classifier rows or descriptors")
