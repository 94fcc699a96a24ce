"""Rows for classes without an image: learned where there is something to learn, exact where something is promised."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.heads.features import FeatureMap
from ml.heads.linear import LinearHead
from ml.icis.autoencoders import IcisConfig, choose_epochs, icis_rows, matched
from ml.icis.baselines import conse_scores, kernel_rows, ridge_rows, weighted_average_rows
from ml.icis.descriptors import Descriptors, sentence_vectors
from ml.icis.inject import inject

DATA = Path("../shared/data/icis-imagenet.npz")
SMALL = IcisConfig(hidden=128, batch=32, learning_rate=3e-3, restarts=1)
SEEN, UNSEEN = np.arange(60), np.arange(60, 70)


def world(seed: int = 0) -> tuple[Descriptors, np.ndarray]:
    """70 classes whose rows are a hidden linear map of their descriptors plus a common part and noise."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(70, 6))
    texts = hidden @ rng.normal(size=(6, 20)) + 0.05 * rng.normal(size=(70, 20))
    rows = hidden @ rng.normal(size=(6, 33)) + 0.05 * rng.normal(size=(70, 33)) + 2.0
    return Descriptors.of({"text": texts}), rows


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_icis_and_kernel_regression_find_rows_that_descriptors_determine() -> None:
    descriptors, rows = world()
    center = rows[SEEN].mean(axis=0)
    fit = icis_rows(descriptors.matrix(SEEN), rows[SEEN], seen=SEEN, unseen=UNSEEN, config=SMALL, seed=0)
    kernel = kernel_rows(descriptors, rows[SEEN], seen=SEEN, unseen=UNSEEN)
    assert cosine(fit.rows - center, rows[UNSEEN] - center).mean() > 0.7
    assert cosine(kernel - center, rows[UNSEEN] - center).mean() > 0.7
    assert fit.losses[-1] < fit.losses[0]


def test_descriptors_that_say_nothing_give_rows_that_say_nothing() -> None:
    descriptors, rows = world()
    rng = np.random.default_rng(1)
    shuffled = rows[SEEN][rng.permutation(60)]
    fit = icis_rows(descriptors.matrix(SEEN), shuffled, seen=SEEN, unseen=UNSEEN, config=SMALL, seed=0)
    assert abs(cosine(fit.rows - rows.mean(axis=0), rows[UNSEEN] - rows.mean(axis=0)).mean()) < 0.35


def test_training_stops_itself_and_repeats_by_seed() -> None:
    descriptors, rows = world()
    args = {"seen": SEEN, "config": SMALL, "seed": 3}
    epochs = choose_epochs(descriptors.matrix(SEEN), rows[SEEN], **args)  # type: ignore[arg-type]
    assert 1 <= epochs < SMALL.max_epochs
    first = icis_rows(descriptors.matrix(SEEN), rows[SEEN], unseen=UNSEEN, **args)  # type: ignore[arg-type]
    again = icis_rows(descriptors.matrix(SEEN), rows[SEEN], unseen=UNSEEN, **args)  # type: ignore[arg-type]
    assert first.epochs == epochs
    assert np.array_equal(first.rows, again.rows)


def test_injected_rows_have_the_length_of_seen_rows() -> None:
    _, rows = world()
    center = rows[SEEN].mean(axis=0)
    out = matched(np.random.default_rng(0).normal(size=(5, 33)) * 7, rows[SEEN])
    expected = np.linalg.norm(rows[SEEN] - center, axis=1).mean()
    assert np.linalg.norm(out - center, axis=1) == pytest.approx(np.full(5, expected))


def test_ridge_and_the_weighted_average_equal_their_formulas() -> None:
    a = np.eye(3)[[0, 1, 2, 0]]
    rows = np.array([[3.0, 0], [0, 3.0], [3.0, 3.0]])
    seen, unseen = np.arange(3), np.array([3])
    assert ridge_rows(a, rows, seen=seen, unseen=unseen, penalty=2.0) == pytest.approx(np.array([[1.0, 0.0]]))
    near = weighted_average_rows(a, rows, seen=seen, unseen=unseen, neighbors=2, scale=0.0)
    assert near[0, 0] == pytest.approx(1.5)


def test_conse_places_an_image_between_its_seen_classes() -> None:
    a = np.array([[1.0, 0], [0, 1.0], [np.sqrt(0.5), np.sqrt(0.5)], [0, -1.0]])
    logits = np.log(np.array([[0.5, 0.5], [0.9999, 0.0001]]))
    scores = conse_scores(logits, a, seen=np.array([0, 1]), unseen=np.array([2, 3]))
    assert scores[0] == pytest.approx([1.0, -np.sqrt(0.5)])
    assert scores[1, 0] == pytest.approx(np.sqrt(0.5), abs=1e-3)


def head(classes: int = 60, *, text: bool = False) -> LinearHead:
    _, rows = world()
    weight = torch.as_tensor(rows[:classes, :32], dtype=torch.float32)
    bias = torch.as_tensor(rows[:classes, 32], dtype=torch.float32)
    return LinearHead(
        kind="linear-probe",
        temperature=0.7,
        features=FeatureMap(mean=torch.full((32,), 0.1)),
        weight=weight,
        bias=bias,
        text=weight.clone() if text else None,
    )


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("method", ["blend", "icis", "kernel"])
def test_injection_leaves_the_seen_logits_bit_for_bit(method: str, text: bool) -> None:
    descriptors, _ = world()
    old = head(text=text)
    grown = inject(old, descriptors, method=method, config=SMALL).head  # type: ignore[arg-type]
    assert grown.n_classes == 70
    assert grown.temperature == old.temperature
    assert torch.equal(grown.weight[:60], old.weight)
    assert torch.equal(grown.bias[:60], old.bias)
    x = torch.nn.functional.normalize(torch.randn(9, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    assert torch.allclose(grown.logits(x)[:, :60], old.logits(x), atol=1e-5)


def test_too_few_classes_and_missing_descriptions_have_a_clear_outcome() -> None:
    descriptors, _ = world()
    with pytest.raises(ConfigError, match="until there are four"):
        inject(head(3), descriptors)
    with pytest.raises(ShapeError, match="then of new ones"):
        inject(head(60), Descriptors.of({"text": descriptors.blocks["text"][:60]}))
    with pytest.raises(NonFiniteError, match="no usable description"):
        Descriptors.of({"text": np.zeros((3, 4))})
    with pytest.raises(ConfigError, match="have no text"):
        sentence_vectors([["a fox"], ["  ", ""]])


def test_sentence_vectors_know_that_an_owl_is_nearer_to_a_hawk_than_to_a_lorry() -> None:
    owl, hawk, lorry = sentence_vectors([["owl", "a bird of the night"], ["hawk"], ["lorry"]])
    assert owl @ hawk > owl @ lorry
    assert np.linalg.norm(owl) == pytest.approx(1.0)


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the shared classifier rows are not here")
def test_kernel_rows_classify_photographs_of_classes_whose_rows_were_taken_away() -> None:
    from ml.bench.icis import load

    bench = load(DATA, "conceptnet")
    hidden = np.sort(np.random.default_rng(0).choice(np.unique(bench.class_index), 50, replace=False))
    seen = np.setdiff1d(np.arange(1000), hidden)
    rows = kernel_rows(bench.descriptors, bench.rows[seen], seen=seen, unseen=hidden)
    mine = np.isin(bench.class_index, hidden)
    right = hidden[(bench.features[mine] @ rows.T).argmax(axis=1)] == bench.class_index[mine]
    assert right.mean() > 0.25  # chance is 0.02
