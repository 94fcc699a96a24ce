"""Heads and metrics agree with independent implementations, and with numbers worked out elsewhere."""

import numpy as np
import pytest
import torch
from easyfsl.methods import PrototypicalNetworks, SimpleShot
from sklearn.covariance import empirical_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor
from torchmetrics.functional.classification import multiclass_calibration_error

from ml.evaluation.confidence import expected_calibration_error
from ml.evaluation.confusion import confusion_matrix
from ml.evaluation.open_set import open_set_report
from ml.heads import Examples, fit_head, gda
from ml.heads.calibration import fit_temperature, mean_nll
from ml.heads.features import class_means, unit
from ml.heads.hierarchical import HierarchicalHead
from ml.heads.linear_probe import logistic_weights
from ml.heads.prototypes import leave_one_out_logits, prototype_logits

SUPPORT = torch.tensor([[1.0, 0.0], [0.8, 0.2], [0.0, 1.0], [0.2, 0.8]])
LABELS = torch.tensor([0, 0, 1, 1])
QUERIES = torch.tensor([[1.0, 1.0], [0.9, 0.0], [0.1, 0.7]])


def blobs(*, per_class: int = 12, dim: int = 8, n_classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n_classes).repeat_interleave(per_class)
    return unit(torch.eye(dim)[labels] + 0.4 * torch.randn(len(labels), dim, generator=generator)), labels


class TestPrototypes:
    def test_the_fixed_tensors_give_the_papers_softmax(self) -> None:
        means, _ = class_means(SUPPORT, LABELS, n_classes=2)
        torch.testing.assert_close(means, torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
        probabilities = torch.softmax(prototype_logits(QUERIES, means, euclidean=True), dim=1)
        expected = torch.tensor([[0.5, 0.5], [0.80845, 0.19155], [0.27688, 0.72312]])
        torch.testing.assert_close(probabilities, expected, atol=1e-5, rtol=0)

    def test_easyfsl_scores_are_minus_the_square_root_of_ours(self) -> None:
        reference = PrototypicalNetworks(backbone=torch.nn.Identity())
        reference.process_support_set(SUPPORT, LABELS)
        means, _ = class_means(SUPPORT, LABELS, n_classes=2)
        ours = prototype_logits(QUERIES, means, euclidean=True)
        torch.testing.assert_close(-(-ours).sqrt(), reference(QUERIES), atol=1e-6, rtol=0)

    def test_easyfsl_simpleshot_is_our_cosine(self) -> None:
        reference = SimpleShot(backbone=torch.nn.Identity())
        reference.process_support_set(SUPPORT, LABELS)
        means, _ = class_means(SUPPORT, LABELS, n_classes=2)
        ours = prototype_logits(unit(QUERIES), means, euclidean=False) / 10
        torch.testing.assert_close(ours, reference(QUERIES), atol=1e-6, rtol=0)

    @pytest.mark.parametrize("euclidean", [True, False])
    def test_leave_one_out_is_what_refitting_without_the_item_gives(self, euclidean: bool) -> None:
        x, labels = blobs(per_class=4)
        means, counts = class_means(x, labels, n_classes=3)
        fast = leave_one_out_logits(x, labels, sums=means * counts[:, None], counts=counts, euclidean=euclidean)
        for item in range(len(x)):
            kept = torch.arange(len(x)) != item
            rest, _ = class_means(x[kept], labels[kept], n_classes=3)
            slow = prototype_logits(x[item : item + 1], rest, euclidean=euclidean)
            torch.testing.assert_close(fast[item : item + 1], slow, atol=1e-5, rtol=0)

    def test_adding_then_removing_an_example_equals_fitting_anew(self) -> None:
        x, labels = blobs()
        background = x.mean(dim=0)
        grown = fit_head("prototypes", Examples.of(x[:-1], labels[:-1], n_classes=3, background=background))
        whole = fit_head("prototypes", Examples.of(x, labels, n_classes=3, background=background))
        torch.testing.assert_close(grown.updated(x[-1], 2).logits(x), whole.logits(x), atol=1e-5, rtol=0)
        back = whole.updated(x[0], 1).without(x[0], 1)
        torch.testing.assert_close(back.logits(x), whole.logits(x), atol=1e-5, rtol=0)

    def test_a_new_class_opens_with_its_first_example(self) -> None:
        x, labels = blobs(n_classes=4)
        three = labels < 3
        head = fit_head("prototypes", Examples.of(x[three], labels[three], n_classes=3, background=x.mean(dim=0)))
        grown = head.updated(x[-1], 3)
        assert grown.n_classes == 4
        assert int(grown.logits(x[-2:-1]).argmax()) == 3


class TestGaussianDiscriminants:
    def test_one_shrinkage_is_linear_discriminant_analysis_with_that_covariance(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gda, "LENGTH_SHRINKAGE", 0.0)
        x, labels = blobs(per_class=20)
        fit = gda.gaussian_fits(x, labels, n_classes=3)
        means, _ = class_means(x, labels, n_classes=3)
        deviations = (x - means[labels]).numpy()
        within = empirical_covariance(deviations, assume_centered=True)
        place = gda.SHRINKAGES.index(1.0)
        # The scatter's ridge, trace / (S - N), in units of the covariance that scikit-learn shrinks.
        ridge = np.trace(within) / (len(x) - 3)
        inverse = np.linalg.inv(within + ridge * np.eye(8))
        weight = means.numpy() @ inverse
        bias = -0.5 * (weight * means.numpy()).sum(axis=1)
        scale = fit.weight[place].numpy() / weight
        np.testing.assert_allclose(scale, scale[0, 0], rtol=2e-3)
        np.testing.assert_allclose(fit.bias[place].numpy() / bias, scale[0, 0], rtol=2e-3)

    def test_with_hardly_any_shrinkage_it_decides_as_scikit_learn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gda, "LENGTH_SHRINKAGE", 0.0)
        monkeypatch.setattr(gda, "SHRINKAGES", (1e-4,))
        x, labels = blobs(per_class=40)
        fresh, _ = blobs(per_class=40, seed=1)
        reference = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3).fit(x.numpy(), labels.numpy())
        fit = gda.gaussian_fits(x, labels, n_classes=3)
        ours = (fresh @ fit.weight[0].T + fit.bias[0]).argmax(dim=1)
        assert (ours.numpy() == reference.predict(fresh.numpy())).mean() > 0.99

    @pytest.mark.parametrize("dim", [6, 40])
    def test_leave_one_out_is_exact(self, dim: int) -> None:
        x, labels = blobs(per_class=4, dim=dim)
        fit = gda.gaussian_fits(x, labels, n_classes=3)
        means, _ = class_means(x, labels, n_classes=3)
        scatter = sum(torch.outer(d, d) for d in (x - means[labels]).double())
        lengths = means.norm(dim=1)
        stretch = (lengths.log().mean().exp() / lengths) ** gda.LENGTH_SHRINKAGE
        for place, shrinkage in enumerate(gda.SHRINKAGES):
            ridge = shrinkage * scatter.trace() / (len(x) - 3)
            for item in range(len(x)):
                kept = torch.arange(len(x)) != item
                rest, _ = class_means(x[kept], labels[kept], n_classes=3)
                deviations = (x[kept] - rest[labels[kept]]).double()
                precision = torch.linalg.inv(deviations.T @ deviations + ridge * torch.eye(dim)) * ridge
                inner = rest.double() @ precision @ x[item].double()
                expected = 10 * inner * stretch + fit.bias[place]
                torch.testing.assert_close(fit.held_out[place, item].double(), expected.double(), atol=5e-3, rtol=1e-3)

    def test_one_shot_is_nearest_prototype_and_not_a_collapse(self) -> None:
        x, labels = blobs(per_class=1, dim=16, n_classes=5)
        fresh, _ = blobs(per_class=10, dim=16, n_classes=5, seed=1)
        examples = Examples.of(x, labels, n_classes=5, background=fresh.mean(dim=0))
        discriminant, prototypes = (fit_head(kind, examples) for kind in ("gda", "prototypes"))
        assert torch.equal(discriminant.logits(fresh).argmax(dim=1), prototypes.logits(fresh).argmax(dim=1))


def test_logistic_regression_is_scikit_learns() -> None:
    for dim in (8, 60):  # fewer and more dimensions than examples
        x, labels = blobs(dim=dim)
        weight, bias = logistic_weights(x, labels, n_classes=3)
        reference = LogisticRegression(C=10.0, tol=1e-8, max_iter=2000).fit(x.numpy(), labels.numpy())
        ours = torch.softmax(x @ weight.T + bias, dim=1).numpy()
        np.testing.assert_allclose(ours, reference.predict_proba(x.numpy()), atol=2e-3)


def test_nearest_neighbors_vote_as_scikit_learns_do() -> None:
    x, labels = blobs(per_class=30)
    fresh, _ = blobs(per_class=30, seed=1)
    reference = KNeighborsClassifier(
        n_neighbors=20, metric="cosine", weights=lambda distance: np.exp(-distance / 0.07)
    ).fit(x.numpy(), labels.numpy())
    head = fit_head("knn", Examples.of(x, labels, n_classes=3, background=torch.zeros(8)))
    votes = torch.softmax(head.logits(fresh), dim=1).numpy()  # the logarithm of shares, plus a floor of 1e-4
    np.testing.assert_allclose(votes, reference.predict_proba(fresh.numpy()), atol=5e-4)


class TestTemperature:
    def test_the_optimum_is_that_of_a_fine_grid(self) -> None:
        x, labels = blobs(per_class=60)
        logits = 40 * x @ torch.eye(3, 8).T
        fitted = fit_temperature(logits, labels)
        grid = torch.exp(torch.linspace(-4, 4, 4001))
        prior = 0.05 * grid.log() ** 2 / len(labels)
        losses = torch.stack([mean_nll(logits, labels, temperature=t) for t in grid]) + prior
        assert float(fitted) == pytest.approx(float(grid[losses.argmin()]), rel=0.01)

    def test_underconfident_logits_get_a_temperature_below_one(self) -> None:
        x, labels = blobs(per_class=60)
        assert float(fit_temperature(0.1 * x @ torch.eye(3, 8).T, labels)) < 0.1

    def test_the_likelihood_of_what_it_was_fitted_on_never_falls(self) -> None:
        generator = torch.Generator().manual_seed(0)
        logits = 5 * torch.randn(200, 6, 4, generator=generator)
        labels = torch.randint(4, (200, 6), generator=generator)
        fitted = fit_temperature(logits, labels)
        before = mean_nll(logits, labels, temperature=torch.ones(200))
        assert bool((mean_nll(logits, labels, temperature=fitted) <= before).all())

    def test_episodes_at_once_equal_episodes_one_by_one(self) -> None:
        generator = torch.Generator().manual_seed(0)
        logits = 5 * torch.randn(7, 6, 4, generator=generator)
        labels = torch.randint(4, (7, 6), generator=generator)
        alone = torch.stack([fit_temperature(logits[i], labels[i]) for i in range(7)])
        torch.testing.assert_close(fit_temperature(logits, labels), alone)

    def test_nothing_held_out_leaves_one(self) -> None:
        assert float(fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))) == pytest.approx(1.0)


class TestMetrics:
    def test_calibration_error_is_torchmetrics(self) -> None:
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(500, 6)) * 2
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        target = rng.integers(0, 6, 500)
        reference = multiclass_calibration_error(
            torch.from_numpy(probabilities), torch.from_numpy(target), num_classes=6, n_bins=15, norm="l1"
        )
        assert expected_calibration_error(probabilities, target) == pytest.approx(float(reference), abs=1e-6)

    def test_auroc_and_confusion_are_scikit_learns(self) -> None:
        rng = np.random.default_rng(0)
        known, unknown = rng.normal(0, 1, 80).round(1), rng.normal(1, 1, 50).round(1)
        truth = np.repeat([0, 1], [80, 50])
        expected = roc_auc_score(truth, np.concatenate([known, unknown]))
        assert open_set_report(known, unknown).auroc == pytest.approx(expected)
        target, guess = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
        assert np.array_equal(confusion_matrix(target, guess, n_classes=5), sklearn_confusion(target, guess))


class TestText:
    def test_zero_shot_is_scaled_cosine(self) -> None:
        text = torch.eye(3, 8)
        x, _ = blobs()
        head = fit_head("zero-shot", Examples.of(x[:0], [], n_classes=3, text=text, text_scale=50.0))
        torch.testing.assert_close(head.probabilities(x), torch.softmax(50 * x @ text.T, dim=1))

    @pytest.mark.parametrize("kind", ["default", "gda", "text-prototypes", "text-blend", "tip-adapter", "lp++"])
    def test_good_text_beside_two_poor_examples_helps(self, kind: str) -> None:
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(5).repeat_interleave(2)
        support = unit(torch.eye(16)[labels] + 0.6 * torch.randn(10, 16, generator=generator))
        truth = torch.arange(5).repeat_interleave(40)
        fresh = unit(torch.eye(16)[truth] + 0.6 * torch.randn(200, 16, generator=generator))

        def accuracy(text: Tensor | None) -> float:
            fitted = "prototypes" if text is None else kind
            examples = Examples.of(support, labels, n_classes=5, text=text, text_scale=10.0, background=torch.zeros(16))
            return float((fit_head(fitted, examples).logits(fresh).argmax(dim=1) == truth).float().mean())

        assert accuracy(torch.eye(5, 16)) > accuracy(None) + 0.02

    def test_labels_that_say_nothing_leave_the_names_as_they_were(self) -> None:
        """Where the names are right and the labels are shuffled, leave-one-out finds that the labels add nothing."""
        generator = torch.Generator().manual_seed(0)
        truth = torch.arange(12).repeat_interleave(4)
        support = unit(torch.eye(16)[truth] + 0.3 * torch.randn(48, 16, generator=generator))
        shuffled = truth[torch.randperm(48, generator=generator)]
        examples = Examples.of(support, shuffled, n_classes=12, text=torch.eye(12, 16), background=torch.zeros(16))
        guess = fit_head("text-blend", examples).logits(support).argmax(dim=1)
        assert torch.equal(guess, fit_head("zero-shot", examples).logits(support).argmax(dim=1))

    def test_text_stands_in_for_a_class_without_examples(self) -> None:
        x, labels = blobs()
        seen = labels < 2
        examples = Examples.of(x[seen], labels[seen], n_classes=3, text=torch.eye(3, 8), background=x.mean(dim=0))
        answers = fit_head("default", examples).logits(x[labels == 2]).argmax(dim=1)
        assert (answers == 2).float().mean() > 0.8


class TestHierarchy:
    def test_a_parent_is_at_least_as_likely_as_its_children_and_unsure_answers_stop_there(self) -> None:
        # 0 and 1 lie close together under 4; 2 and 3 under 5.
        corners = torch.tensor([[1, 0.2, 0, 0], [1, -0.2, 0, 0], [0, 0, 1, 0.9], [0, 0, 1, -0.9]])
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(4).repeat_interleave(8)
        x = unit(corners[labels] + 0.25 * torch.randn(32, 4, generator=generator))
        parents = [4, 4, 5, 5, -1, -1]
        examples = Examples.of(x, labels, n_classes=4, parents=parents, background=torch.zeros(4))
        head = fit_head("hierarchical", examples)
        assert isinstance(head, HierarchicalHead)
        nodes = head.node_probabilities(x)
        torch.testing.assert_close(nodes[:, 4], nodes[:, 0] + nodes[:, 1])
        torch.testing.assert_close(nodes[:, 4] + nodes[:, 5], torch.ones(32))
        between, probability = head.answers(unit(torch.tensor([[1.0, 0, 0, 0]])), confidence=0.8)
        assert between.tolist() == [4]
        assert float(probability) > 0.8
        clear, _ = head.answers(unit(torch.tensor([[0, 0, 1.0, 0.9]])), confidence=0.8)
        assert clear.tolist() == [2]
