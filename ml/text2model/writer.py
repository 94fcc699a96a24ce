"""A trained hypernetwork with all it needs to write classifiers, and its file."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ml.errors import ArtefactError, NonFiniteError, SpaceMismatchError
from ml.heads.features import unit
from ml.text2model.basis import FeatureBasis
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

    def write(self, descriptions: Tensor, *, text_space: str | None = None) -> EmittedModel:
        """A model of k classes from (k, T) description vectors, reading features as the encoder gives them.

        Raises:
            SpaceMismatchError: The descriptions come from another text encoder.
            NonFiniteError: NaN, infinity or a zero vector among them.
            ShapeError: Fewer than two classes.
        """
        if text_space is not None and text_space != self.text_space:
            raise SpaceMismatchError(
                f"descriptions are of {text_space}, this writer reads {self.text_space}; embed them with that"
            )
        if not bool(torch.isfinite(descriptions).all()) or bool((descriptions.norm(dim=-1) < 1e-6).any()):
            raise NonFiniteError("a description has no usable vector; write some text for each class")
        with torch.no_grad():
            model = self.basis.folded(self.network(unit(descriptions)))
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
