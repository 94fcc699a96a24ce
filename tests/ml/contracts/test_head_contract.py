"""What every head promises, whatever its mathematics."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ml.errors import ArtefactError, ConfigError, EmptyClassError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.heads import KINDS, Examples, Head, fit_head, load_head, predict_topk, save_head

DIM, N_CLASSES = 24, 4
LEARNING = tuple(kind for kind in KINDS if kind != "zero-shot")
UPDATABLE = ("prototypes", "prototypes-euclidean", "text-prototypes", "tip-adapter", "tip-adapter-f", "knn")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def world(*, shots: tuple[int, ...] = (6, 6, 6, 6), seed: int = 0) -> Examples:
    """Four blobs around orthogonal corners, away from the origin as real embeddings are, with text near each."""
    generator = torch.Generator().manual_seed(seed)
    class_index = torch.repeat_interleave(torch.arange(len(shots)), torch.tensor(shots))
    corners = torch.eye(DIM)[: len(shots)] + 0.3
    support = unit(corners[class_index] + 0.15 * torch.randn(len(class_index), DIM, generator=generator))
    return Examples.of(
        support,
        class_index,
        n_classes=len(shots),
        text=unit(corners + 0.1 * torch.randn(len(shots), DIM, generator=generator)),
        text_scale=20.0,
        parents=[4, 4, 5, 5, -1, -1] if len(shots) == N_CLASSES else None,
    )


def tree_of(n_classes: int) -> Tensor:
    return torch.full((n_classes + 1,), n_classes).index_fill_(0, torch.tensor([n_classes]), -1)


@pytest.fixture(scope="module")
def queries() -> Tensor:
    return world(shots=(9, 9, 9, 9), seed=1).support


@pytest.mark.parametrize("kind", KINDS)
class TestEveryHead:
    def test_gives_a_probability_for_each_class(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world())
        probabilities = head.probabilities(queries)
        assert probabilities.shape == (36, N_CLASSES)
        assert (head.n_classes, head.dim) == (N_CLASSES, DIM)
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(36))
        assert head.reject_score(queries).shape == (36,)

    def test_learns_blobs_that_lie_apart(self, kind: str, queries: Tensor) -> None:
        truth = torch.arange(4).repeat_interleave(9)
        assert (fit_head(kind, world()).logits(queries).argmax(dim=1) == truth).float().mean() > 0.9

    def test_the_same_seed_gives_the_same_head(self, kind: str, queries: Tensor) -> None:
        first, second = (fit_head(kind, world(), seed=3).probabilities(queries) for _ in range(2))
        assert torch.equal(first, second)

    def test_the_order_of_the_classes_does_not_matter(self, kind: str, queries: Tensor) -> None:
        examples = world()
        order = torch.tensor([2, 0, 3, 1])  # new class i is old class order[i]
        rank = torch.argsort(order)
        assert examples.text is not None
        renamed = replace(
            examples,
            class_index=rank[examples.class_index],
            text=examples.text[order],
            parents=torch.tensor([5, 4, 5, 4, -1, -1]),
        )
        old, new = (fit_head(kind, e).probabilities(queries) for e in (examples, renamed))
        torch.testing.assert_close(new, old[:, order], atol=2e-3, rtol=0)

    def test_the_order_of_the_items_does_not_matter(self, kind: str, queries: Tensor) -> None:
        examples = world()
        # Within a class too: cross-fitting deals other folds, so only the fit itself has to agree.
        shuffle = torch.randperm(24, generator=torch.Generator().manual_seed(5))
        shuffled = replace(examples, support=examples.support[shuffle], class_index=examples.class_index[shuffle])
        old, new = (fit_head(kind, e).logits(queries).argmax(dim=1) for e in (examples, shuffled))
        assert torch.equal(old, new)

    def test_exact_duplicates_are_survived(self, kind: str, queries: Tensor) -> None:
        examples = world(shots=(1, 1, 1, 1))
        tripled = replace(examples, support=examples.support.repeat(3, 1), class_index=examples.class_index.repeat(3))
        assert torch.isfinite(fit_head(kind, tripled).probabilities(queries)).all()

    def test_a_single_class_is_certain(self, kind: str, queries: Tensor) -> None:
        examples = replace(world(shots=(5,)), parents=tree_of(1))
        head = fit_head(kind, examples)
        assert torch.equal(head.probabilities(queries), torch.ones(36, 1))
        assert torch.isfinite(head.reject_score(queries)).all()

    def test_one_example_a_class_is_enough(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world(shots=(1, 1, 1, 1)))
        truth = torch.arange(4).repeat_interleave(9)
        assert (head.logits(queries).argmax(dim=1) == truth).float().mean() > 0.7

    def test_unbalanced_classes_are_welcome(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world(shots=(12, 1, 3, 2)))
        truth = torch.arange(4).repeat_interleave(9)
        assert (head.logits(queries).argmax(dim=1) == truth).float().mean() > 0.7

    def test_its_inputs_are_left_as_they_were(self, kind: str, queries: Tensor) -> None:
        examples, before = world(), world()
        fit_head(kind, examples).probabilities(queries)
        assert torch.equal(examples.support, before.support)
        assert torch.equal(queries, world(shots=(9, 9, 9, 9), seed=1).support)

    def test_a_stored_head_answers_as_before(self, kind: str, queries: Tensor, tmp_path: Path) -> None:
        head = fit_head(kind, world())
        save_head(head, tmp_path, categories=[11, 7, 30, 2], space="fingerprint")
        stored = load_head(tmp_path, space="fingerprint")
        assert torch.equal(stored.head.probabilities(queries), head.probabilities(queries))
        assert stored.categories == (11, 7, 30, 2)
        assert stored.head.kind == head.kind

    def test_the_top_of_a_pool_is_the_top_of_the_table(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world())
        table = head.probabilities(queries)
        best = predict_topk(head, queries.numpy(), k=3, chunk=7)
        values, index = table.topk(3, dim=1)
        assert np.array_equal(best.class_index, index.numpy())
        np.testing.assert_allclose(best.probability, values.numpy(), atol=1e-5)
        np.testing.assert_allclose(best.margin, (values[:, 0] - values[:, 1]).numpy(), atol=1e-5)
        entropy = -(table * table.clamp(min=1e-30).log()).sum(dim=1)
        np.testing.assert_allclose(best.entropy, entropy.numpy(), atol=1e-4)

    def test_vectors_of_another_length_are_refused(self, kind: str) -> None:
        head = fit_head(kind, world())
        with pytest.raises(SpaceMismatchError, match="reads vectors of 24 dimensions and got 512"):
            head.logits(torch.zeros(2, 512))

    def test_nan_is_never_answered(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world())
        broken = queries.clone()
        broken[3, 5] = torch.nan
        with pytest.raises(NonFiniteError):
            head.logits(broken)

    @pytest.mark.parametrize("device", DEVICES)
    def test_a_head_answers_alike_on_every_device(self, kind: str, device: str, queries: Tensor) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            pytest.skip("no CUDA device here")
        examples = world()
        assert examples.text is not None
        moved = Examples.of(
            examples.support.to(device),
            examples.class_index,
            n_classes=4,
            text=examples.text,
            text_scale=20.0,
            parents=examples.parents,
        )
        there = fit_head(kind, moved).probabilities(queries.to(device)).cpu()
        torch.testing.assert_close(there, fit_head(kind, examples).probabilities(queries), atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", LEARNING)
def test_a_class_without_example_or_text_is_refused(kind: str) -> None:
    examples = replace(world(shots=(3, 0, 3, 3)), text=None, parents=tree_of(4))
    # Some of the kinds cannot do without text at all, and say that first.
    expected = ConfigError if kind in ("text-prototypes", "text-blend") else EmptyClassError
    with pytest.raises(expected):
        fit_head(kind, examples)


@pytest.mark.parametrize("kind", UPDATABLE)
class TestHeadsThatTakeOneMoreExample:
    def test_the_new_example_pulls_its_class(self, kind: str) -> None:
        head = fit_head(kind, world())
        stranger = unit(torch.eye(DIM)[10] + 0.3)
        before = float(head.probabilities(stranger[None])[0, 2])
        after = float(head.updated(stranger, 2).probabilities(stranger[None])[0, 2])
        assert after > before

    def test_the_head_itself_stays_as_it_was(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world())
        before = head.probabilities(queries)
        head.updated(queries[0], 1)
        assert torch.equal(head.probabilities(queries), before)

    def test_a_wrong_vector_or_class_is_refused(self, kind: str, queries: Tensor) -> None:
        head = fit_head(kind, world())
        with pytest.raises(SpaceMismatchError):
            head.updated(torch.zeros(5), 0)
        with pytest.raises(NonFiniteError):
            head.updated(queries[0] * torch.nan, 0)
        with pytest.raises(ShapeError):
            head.updated(queries[0], 9)


@pytest.mark.parametrize("kind", ["zero-shot", "gda", "logistic", "lp++", "hierarchical"])
def test_heads_fitted_as_a_whole_say_so(kind: str, queries: Tensor) -> None:
    with pytest.raises(ConfigError, match="fit it again"):
        fit_head(kind, world()).updated(queries[0], 0)


def stored(tmp_path: Path) -> tuple[Head, Path]:
    head = fit_head("prototypes", world())
    save_head(head, tmp_path, categories=list("abcd"), space="here")
    return head, tmp_path


def test_a_head_of_another_space_is_not_loaded(tmp_path: Path) -> None:
    _, folder = stored(tmp_path)
    with pytest.raises(SpaceMismatchError, match="space here, not of there"):
        load_head(folder, space="there")


def test_a_damaged_or_missing_file_is_named(tmp_path: Path) -> None:
    _, folder = stored(tmp_path)
    (folder / "head.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(ArtefactError, match="no readable head"):
        load_head(folder)
    with pytest.raises(ArtefactError):
        load_head(tmp_path / "absent")


def test_every_class_needs_its_category_id(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="expected 4 category ids"):
        save_head(fit_head("prototypes", world()), tmp_path, categories=[1, 2])


def test_examples_are_checked_before_anything_is_fitted() -> None:
    vectors = torch.eye(4)
    with pytest.raises(ShapeError, match="class_index lies in"):
        Examples.of(vectors, [0, 1, 2, 3], n_classes=3)
    with pytest.raises(ShapeError, match=r"expected support \(S, D\)"):
        Examples.of(vectors, [0, 1], n_classes=2)
    with pytest.raises(NonFiniteError, match="support holds NaN"):
        Examples.of(vectors * torch.nan, [0, 1, 2, 3], n_classes=4)
    with pytest.raises(SpaceMismatchError, match="expected text"):
        Examples.of(vectors, [0, 1, 2, 3], n_classes=4, text=torch.eye(3))
    with pytest.raises(ShapeError, match="cycle"):
        Examples.of(vectors, [0, 1, 0, 1], n_classes=2, parents=[2, 2, 3, 2])


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="prototypes"):
        fit_head("oracle", world())
