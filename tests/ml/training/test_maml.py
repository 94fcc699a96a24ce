"""MAML against the closed form on a quadratic."""

import pytest
import torch

from ml.training.methods.maml import Maml, SupportNorm2d, adapt, with_support_norm
from ml.training.networks import build_network
from tests.ml.training.episodes import make_episode

RATE = 0.1
HESSIAN = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
SUPPORT_MINIMUM = torch.tensor([1.0, -1.0], dtype=torch.float64)
QUERY_MINIMUM = torch.tensor([0.5, 2.0], dtype=torch.float64)


def quadratic(weights: torch.Tensor, minimum: torch.Tensor) -> torch.Tensor:
    return 0.5 * (weights - minimum) @ HESSIAN @ (weights - minimum)


def outer_gradient(*, first_order: bool, steps: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of the query loss after adaptation, and the adapted weights."""
    start = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    adapted = adapt(
        {"w": start},
        lambda weights: quadratic(weights["w"], SUPPORT_MINIMUM),
        rate=RATE,
        steps=steps,
        first_order=first_order,
    )["w"]
    return torch.autograd.grad(quadratic(adapted, QUERY_MINIMUM), start)[0], adapted.detach()


def test_one_step_equals_the_closed_form():
    gradient, adapted = outer_gradient(first_order=False)
    start = torch.tensor([0.3, 0.7], dtype=torch.float64)
    expected_weights = start - RATE * HESSIAN @ (start - SUPPORT_MINIMUM)
    torch.testing.assert_close(adapted, expected_weights, rtol=0, atol=1e-12)
    # d/dθ L(θ - a H (θ - s)) = (I - a H) H (θ' - q)
    expected = (torch.eye(2, dtype=torch.float64) - RATE * HESSIAN) @ HESSIAN @ (adapted - QUERY_MINIMUM)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-6)


def test_five_steps_equal_the_closed_form():
    gradient, adapted = outer_gradient(first_order=False, steps=5)
    chain = torch.linalg.matrix_power(torch.eye(2, dtype=torch.float64) - RATE * HESSIAN, 5)
    torch.testing.assert_close(gradient, chain @ HESSIAN @ (adapted - QUERY_MINIMUM), rtol=0, atol=1e-6)


def test_first_order_drops_exactly_the_hessian_term():
    second, adapted = outer_gradient(first_order=False)
    first, same = outer_gradient(first_order=True)
    torch.testing.assert_close(adapted, same, rtol=0, atol=0)
    dropped = RATE * HESSIAN @ HESSIAN @ (adapted - QUERY_MINIMUM)
    torch.testing.assert_close(first - second, dropped, rtol=0, atol=1e-6)


def maml(**options: object) -> Maml:
    network = build_network("conv4-32", channels=1, size=28, seed=0)
    return Maml(network, dimension=32, rate=0.1, steps=3, **options)


def test_adaptation_lowers_the_loss_on_new_tasks():
    episode = make_episode(n_way=3, k_shot=3, n_query=4, n_episodes=4, seed=5)
    adapted, untouched = maml(), maml()
    untouched.rate = 0.0
    adapted.eval(), untouched.eval()
    with torch.no_grad():
        assert adapted.loss(episode) < untouched.loss(episode)


def test_anil_adapts_the_head_alone():
    # With a fixed body the support features are those of the untouched network, so a body that ignores its
    # input gives every class the same features and no adaptation can tell classes apart.
    learner = maml(head_only=True)
    for parameter in learner.network.parameters():
        parameter.data.zero_()
    probabilities = learner.predict(make_episode(n_way=3))
    torch.testing.assert_close(probabilities, torch.full_like(probabilities, 1 / 3))


def test_transductive_answers_depend_on_the_other_queries_and_say_so():
    episode = make_episode(n_query=4)
    alone = make_episode(n_query=4)
    alone = type(alone)(alone.support, alone.support_labels, alone.query[:, :1], alone.query_labels[:, :1], 3)
    learner = maml(transductive=True)
    assert learner.transductive
    assert (learner.predict(alone)[:, 0] - learner.predict(episode)[:, 0]).abs().max() > 1e-4


def test_support_norm_ignores_what_lies_behind_the_support():
    norm = SupportNorm2d(4)
    norm.count = 3
    maps = torch.randn(5, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    other = maps.clone()
    other[4] += 100
    torch.testing.assert_close(norm(maps)[:4], norm(other)[:4])
    torch.testing.assert_close(norm(maps)[:3].mean(dim=(0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"first_order": True}, {"head_only": True}, {"transductive": True}])
def test_tasks_one_by_one_and_side_by_side_agree_in_answers_and_gradients(options: dict[str, object]):
    episode = make_episode(n_way=3, k_shot=2, n_query=2, n_episodes=2)
    learner = maml(**options)
    gradients = []
    for answers in (learner.one_by_one(episode), learner.side_by_side(episode)):
        loss = torch.nn.functional.cross_entropy(answers.flatten(0, 1), episode.query_labels.flatten())
        gradients.append(torch.autograd.grad(loss, list(learner.parameters())))
    torch.testing.assert_close(learner.one_by_one(episode), learner.side_by_side(episode), rtol=1e-4, atol=1e-5)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("weight", [1.5, -1.5])
def test_pooling_before_normalisation_gives_what_pooling_after_it_gives(weight: float):
    maps = torch.randn(5, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    pooling, plain = SupportNorm2d(4, pool=torch.nn.MaxPool2d(2)), SupportNorm2d(4)
    pooling.alone, pooling.count, plain.count = True, 3, 3
    for norm in (pooling, plain):
        norm.weight.data[1] = weight
        norm.bias.data[2] = 0.5
    torch.testing.assert_close(pooling(maps), torch.nn.functional.max_pool2d(plain(maps), 2))


def test_every_batchnorm_of_a_network_is_replaced():
    network = with_support_norm(build_network("resnet12-slim", channels=3, size=32, seed=0))
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
