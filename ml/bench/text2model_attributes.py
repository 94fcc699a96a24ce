"""With and without: does a negated attribute flip the decision on animals that were never seen?

Animals are rows of an attribute matrix, seen through a random linear map with noise, for there are no photographs.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.bench.class_texts import text_vectors
from ml.evaluation.intervals import bootstrap_interval
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig

FEATURES, NOISE, HELD_OUT = 128, 0.3, 10


def measure_attributes(path: Path, *, seed: int, cache: Path, steps: int = 300) -> dict[str, Any]:
    """Decisions between "an animal with A" (or "without A") and "an animal", on held-out animals.

    A flip is right when the animal goes to the description that is true of it in both tasks.
    """
    content = json.loads(path.read_text())
    matrix = torch.tensor(content["matrix"], dtype=torch.float32)
    words = [predicate_text(p) for p in content["predicates"]]
    texts = [f"an animal with {w}" for w in words] + [f"an animal without {w}" for w in words] + ["an animal"]
    vectors = text_vectors(texts, cache)
    animals = looks(matrix, seed=seed)
    order = torch.randperm(len(matrix), generator=torch.Generator().manual_seed(seed))
    held_out, seen = order[:HELD_OUT], order[HELD_OUT:]
    network = learn(animals[seen], matrix[seen], vectors, seed=seed, steps=steps)
    right = decisions(network, animals[held_out], matrix[held_out], vectors)
    flips = right.all(dim=0).double().mean(dim=1).numpy()
    interval = bootstrap_interval(flips, seed=seed)
    shared = decisions(None, animals[held_out], matrix[held_out], vectors, seen=(animals[seen], matrix[seen]))
    names = np.array(content["classes"])[held_out.numpy()].tolist()
    return {
        "descriptions": "negated attributes",
        "n_way": 2,
        "unseen_accuracy": float(right.double().mean()),
        "baseline_accuracy": float(shared.double().mean()),
        "ci95": interval.half_width,
        "with": float(right[0].double().mean()),
        "without": float(right[1].double().mean()),
        "flips": interval.value,
        "baseline_with": float(shared[0].double().mean()),
        "baseline_without": float(shared[1].double().mean()),
        "baseline_flips": float(shared.all(dim=0).double().mean()),
        "held_out": names,
    }


def predicate_text(predicate: str) -> str:
    return {"flys": "wings that fly", "longneck": "a long neck", "longleg": "long legs"}.get(predicate, predicate)


def looks(matrix: Tensor, *, seed: int) -> Tensor:
    """(A, 85) attributes to (A, D) features: centered, mapped at random, with noise."""
    rng = torch.Generator().manual_seed(seed + 1)
    turned = (matrix - matrix.mean(dim=0)) @ torch.randn(matrix.shape[1], FEATURES, generator=rng)
    turned /= turned.norm(dim=1).mean() / FEATURES**0.5
    noisy: Tensor = turned + NOISE * torch.randn(turned.shape, generator=rng)
    return noisy


def learn(animals: Tensor, matrix: Tensor, vectors: Tensor, *, seed: int, steps: int) -> Hypernetwork:
    """Direct training on tasks of an attribute, with or without, against no attribute."""
    a = matrix.shape[1]
    config = HypernetworkConfig(text_dim=vectors.shape[1], feature_dim=animals.shape[1])
    network = Hypernetwork(config, seed=seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        picked = torch.randint(2 * a, (32,), generator=generator)
        tasks = torch.stack([vectors[picked], vectors[-1].expand(32, -1)], dim=1)
        holds = (picked < a).float()[:, None] == matrix[:, picked % a].T
        noisy = animals + NOISE * torch.randn(animals.shape, generator=generator)
        logits = network(tasks).logits(noisy.expand(32, -1, -1))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), (~holds).long().flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network


def decisions(
    network: Hypernetwork | None,
    animals: Tensor,
    matrix: Tensor,
    vectors: Tensor,
    *,
    seen: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """(2, A, N) whether each animal goes where it belongs, by the attribute and by its negation.

    Without a network: the baseline, a ridge regression from "with" texts to mean features of seen animals that have
    the attribute, used for both.
    """
    a = matrix.shape[1]
    truth = torch.stack([matrix.T == 1, matrix.T == 0])
    tasks = torch.stack([vectors[: 2 * a], vectors[-1].expand(2 * a, -1)], dim=1)
    if network is not None:
        with torch.no_grad():
            logits = network(tasks).logits(animals.expand(2 * a, -1, -1))
    else:
        assert seen is not None
        logits = _projected(tasks, *seen, vectors[:a]) @ animals.T
        logits = logits.mT
    chosen = logits.argmax(dim=-1).reshape(2, a, len(animals)) == 0
    right: Tensor = chosen == truth
    return right


def _projected(tasks: Tensor, animals: Tensor, matrix: Tensor, texts: Tensor) -> Tensor:
    """(2A, 2, D): each description through the ridge; "an animal" is the origin, the mean of all."""
    means = (matrix.T @ animals) / matrix.sum(dim=0)[:, None].clamp(min=1)
    center = texts.mean(dim=0)
    kernel = (texts - center) @ (texts - center).T + 0.1 * torch.eye(len(texts))
    weight = (texts - center).T @ torch.linalg.solve(kernel, means)
    projected: Tensor = (tasks - center) @ weight
    projected[:, 1] = 0.0
    return projected
