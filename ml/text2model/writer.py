"""A trained hypernetwork with all it needs to write classifiers, and its file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ml.errors import ArtefactError, NonFiniteError, SpaceMismatchError
from ml.heads.features import unit
from ml.text2model.basis import FeatureBasis
from ml.text2model.descriptions import EVERY, DescriptionBank
from ml.text2model.emitted import EmittedModel
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig

FORMAT = "winnow.text2model/1"


@dataclass(frozen=True)
class ModelWriter:
    """Writes a classifier for unit vectors of `space` from description vectors of `text_space`."""

    network: Hypernetwork
    basis: FeatureBasis
    space: str
    text_space: str

    def write(self, texts: Sequence[Tensor], *, text_space: str | None = None) -> EmittedModel:
        """A model of k classes from vectors (M_j, T) of the texts of each; it reads features as the encoder gives them.

        Raises:
            SpaceMismatchError: The texts come from another encoder.
            NonFiniteError: NaN, infinity or a zero vector among them, or a class without any.
            ShapeError: Fewer than two classes.
        """
        if text_space is not None and text_space != self.text_space:
            raise SpaceMismatchError(
                f"descriptions are of {text_space}, this writer reads {self.text_space}; embed them with that"
            )
        if not all(len(own) and bool(torch.isfinite(own).all() and own.norm(dim=-1).min() >= 1e-6) for own in texts):
            raise NonFiniteError("a description has no usable vector; write some text for each class")
        bank = DescriptionBank.of({"texts": [unit(own) for own in texts]}, draws={"texts": EVERY})
        drawn = bank.draw("texts", torch.arange(len(texts)), generator=torch.Generator())
        with torch.no_grad():
            projected = self.network.project(bank)
            means = None if projected is None else projected.mean(drawn)
            model = self.basis.folded(self.network(bank.read(drawn), projected=means))
        return replace(model, space=self.space)


def save_writer(path: Path, writer: ModelWriter) -> None:
    """Weights and basis with their description in the header."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in writer.network.state_dict().items()}
    basis = {"basis.mean": writer.basis.mean.contiguous(), "basis.matrix": writer.basis.matrix.contiguous()}
    header = {"config": asdict(writer.network.config), "space": writer.space, "text_space": writer.text_space}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights | basis, path, metadata={"format": FORMAT, "header": json.dumps(header)})


def load_writer(path: Path) -> ModelWriter:
    """Raises ArtefactError for a file that is something else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ArtefactError(f"{path} is not a writer of format {FORMAT}; give the file that training wrote")
            header = json.loads(metadata["header"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network = Hypernetwork(HypernetworkConfig(**header["config"]))
        basis = FeatureBasis(weights.pop("basis.mean"), weights.pop("basis.matrix"))
        network.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise ArtefactError(f"{path} cannot be read as a writer: {error}") from error
    return ModelWriter(network.eval(), basis, header["space"], header["text_space"])
