"""Episodic learners by name, each around a network of `networks.registry`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ml.errors import ConfigError
from ml.training.episode import EpisodeLearner
from ml.training.methods.maml import Maml
from ml.training.methods.matching import FullContexts, MatchingNetwork
from ml.training.methods.prototypical import PrototypicalNetwork
from ml.training.methods.relation import RelationNetwork
from ml.training.networks.encoder import PREFIX, encoder_network
from ml.training.networks.registry import build_network
from ml.training.networks.relation import RelationModule
from ml.training.networks.tuning import Tuning, tune_part


@dataclass(frozen=True, slots=True)
class LearnerSpec:
    """What a learner is built from; `inner_*` matter to MAML and ANIL alone, `rank` to LoRA alone.

    network: a name of `NETWORKS`, or "encoder:NAME" for the image tower of any encoder.
    """

    method: str
    network: str
    channels: int
    size: int
    seed: int
    inner_rate: float = 0.05
    inner_steps: int = 5
    transductive: bool = False
    tuning: Tuning = "all"
    rank: int = 4


def build_learner(spec: LearnerSpec) -> EpisodeLearner:
    """A freshly initialised learner; the same spec gives the same weights. Raises ConfigError for other
    names.
    """
    if spec.method not in METHODS:
        raise ConfigError(f"no method {spec.method!r}; there are {', '.join(sorted(METHODS))}")
    return METHODS[spec.method](spec)


def _network(spec: LearnerSpec) -> torch.nn.Module:
    if spec.network.startswith(PREFIX):
        network: torch.nn.Module = encoder_network(spec.network, channels=spec.channels)
    else:
        network = build_network(spec.network, channels=spec.channels, size=spec.size, seed=spec.seed)
    generator = torch.Generator().manual_seed(spec.seed + 2)
    return tune_part(network, spec.tuning, rank=spec.rank, generator=generator)


def _protonet(spec: LearnerSpec) -> EpisodeLearner:
    return PrototypicalNetwork(_network(spec))


def _protonet_cosine(spec: LearnerSpec) -> EpisodeLearner:
    return PrototypicalNetwork(_network(spec), metric="cosine")


def _matching(spec: LearnerSpec) -> EpisodeLearner:
    return MatchingNetwork(_network(spec))


def _matching_contexts(spec: LearnerSpec) -> EpisodeLearner:
    network = _network(spec)
    contexts = FullContexts(_dimension(network), generator=torch.Generator().manual_seed(spec.seed + 1))
    return MatchingNetwork(network, contexts=contexts)


def _relation(spec: LearnerSpec) -> EpisodeLearner:
    network = _network(spec)
    width, map_size = getattr(network, "width", None), getattr(network, "map_size", None)
    if not isinstance(width, int) or not isinstance(map_size, int):
        raise ConfigError(f'relation networks compare feature maps: choose "conv4-maps", not {spec.network!r}')
    generator = torch.Generator().manual_seed(spec.seed + 1)
    return RelationNetwork(network, RelationModule(width=width, map_size=map_size, generator=generator))


def _maml(spec: LearnerSpec, *, first_order: bool = False, head_only: bool = False) -> EpisodeLearner:
    network = _network(spec)
    return Maml(
        network,
        dimension=_dimension(network),
        rate=spec.inner_rate,
        steps=spec.inner_steps,
        first_order=first_order,
        head_only=head_only,
        transductive=spec.transductive,
    )


def _dimension(network: torch.nn.Module) -> int:
    return int(network.dimension)  # type: ignore[arg-type]


METHODS: dict[str, Callable[[LearnerSpec], EpisodeLearner]] = {
    "protonet": _protonet,
    "protonet-cosine": _protonet_cosine,
    "matching": _matching,
    "matching-fce": _matching_contexts,
    "relation": _relation,
    "maml": _maml,
    "fomaml": lambda spec: _maml(spec, first_order=True),
    "anil": lambda spec: _maml(spec, head_only=True),
}
