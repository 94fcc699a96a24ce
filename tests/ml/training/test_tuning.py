"""LoRA and last-block tuning: what moves, what stays, and what merging changes."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from ml.errors import ConfigError
from ml.training.artefact import load_learner, save_learner
from ml.training.methods.registry import LearnerSpec, build_learner
from ml.training.networks import build_network
from ml.training.networks.encoder import EncoderNetwork
from ml.training.networks.tuning import add_lora, drop_lora, merge_lora, tune_part, unfreeze_last_block
from ml.training.store import Normalization
from tests.ml.training.episodes import make_episode


class Tower(nn.Module):
    """Attention, a linear layer and numbered blocks, as in a vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(6, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.blocks = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
        self.norm = nn.LayerNorm(8)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = self.stem(tokens)
        return self.norm(self.blocks(self.attention(tokens, tokens, tokens)[0]))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def tower() -> Tower:
    torch.manual_seed(0)
    return Tower().eval()


TOKENS = torch.randn((2, 3, 6), generator=seeded(1))


def train_a_little(tower: nn.Module) -> None:
    optimizer = torch.optim.Adam([p for p in tower.parameters() if p.requires_grad], lr=0.05)
    for _ in range(5):
        loss = (tower(TOKENS) - 1).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_lora_starts_as_the_base_network_and_trains_only_its_terms(tower):
    before = tower(TOKENS).detach()
    base = {name: p.detach().clone() for name, p in tower.named_parameters()}
    add_lora(tower, rank=2, generator=seeded())
    torch.testing.assert_close(tower(TOKENS), before)
    trained = [name for name, p in tower.named_parameters() if p.requires_grad]
    assert trained and all(name.endswith((".up", ".down")) for name in trained)
    train_a_little(tower)
    assert (tower(TOKENS) - before).abs().max() > 1e-3
    drop_lora(tower)
    for name, parameter in tower.named_parameters():
        assert torch.equal(parameter, base[name])


def test_merging_leaves_a_plain_network_with_the_same_answers(tower):
    names = set(tower.state_dict())
    add_lora(tower, rank=2, generator=seeded())
    train_a_little(tower)
    expected = tower(TOKENS).detach()
    merge_lora(tower)
    assert set(tower.state_dict()) == names
    torch.testing.assert_close(tower(TOKENS), expected, rtol=0, atol=1e-5)


def test_only_the_last_block_and_what_follows_it_trains(tower):
    unfreeze_last_block(tower)
    trained = {name for name, p in tower.named_parameters() if p.requires_grad}
    assert trained == {"blocks.1.weight", "blocks.1.bias", "norm.weight", "norm.bias"}
    conv4 = unfreeze_last_block(build_network("conv4", channels=1, size=28, seed=0))
    assert {name.split(".")[1] for name, p in conv4.named_parameters() if p.requires_grad} == {"3"}


def test_networks_without_a_fitting_part_are_refused():
    with pytest.raises(ConfigError, match="last block"):
        add_lora(nn.Conv2d(1, 1, 3), rank=2, generator=seeded())
    with pytest.raises(ConfigError, match="numbered blocks"):
        unfreeze_last_block(nn.Linear(2, 2))
    with pytest.raises(ConfigError):
        add_lora(nn.Linear(2, 2), rank=0, generator=seeded())
    with pytest.raises(ConfigError, match="lora"):
        tune_part(nn.Linear(2, 2), "adapters", rank=1, generator=seeded())


def test_batchnorm_of_an_encoder_keeps_its_statistics_in_training():
    tower = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    network = EncoderNetwork(tower, dimension=4, normalization=Normalization((0.5,) * 3, (0.5,) * 3)).train()
    assert network.training and not tower[1].training
    network(torch.rand((2, 3, 8, 8), generator=seeded()))
    assert torch.equal(tower[1].running_mean, torch.zeros(4))


def encoder_spec(folder: Path) -> Path:
    """The MobileNet of the shared data, seen at 64 px, as a spec file."""
    weights = Path("../shared/data/encoders/mobilenetv2_100.imagenet.safetensors").resolve()
    if not weights.exists():
        pytest.skip("needs ../shared/data/encoders")
    described = weights.with_suffix(".json")
    if not described.exists():
        pytest.skip("needs the encoder's spec beside its weights")
    spec = json.loads(described.read_text())
    spec["weights"] = str(weights)
    (folder / "mobilenet.json").write_text(json.dumps(spec))
    return folder / "mobilenet.json"


@pytest.mark.data
def test_an_adapter_file_holds_only_what_was_trained_and_loads_onto_its_encoder(tmp_path):
    name = f"encoder:{encoder_spec(tmp_path)}"
    spec = LearnerSpec("protonet-cosine", name, channels=3, size=224, seed=0, tuning="lora", rank=2)
    learner = build_learner(spec)
    for parameter in learner.parameters():
        if parameter.requires_grad:
            parameter.data += 0.01
    path = tmp_path / "adapter.safetensors"
    save_learner(path, learner, spec=spec, normalization=learner.network.normalization)
    assert path.stat().st_size < 5_000_000
    episode = make_episode(n_way=2, k_shot=1, n_query=1, channels=3)
    loaded, _, _ = load_learner(path)
    assert torch.equal(loaded.predict(episode), learner.predict(episode))
