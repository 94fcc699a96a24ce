"""A network that writes a classifier for any set of described classes: Text2Model (Amosy et al., 2022)."""

from ml.text2model.emitted import EmittedModel
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.writer import ModelWriter

__all__ = ["EmittedModel", "Hypernetwork", "HypernetworkConfig", "ModelWriter"]
