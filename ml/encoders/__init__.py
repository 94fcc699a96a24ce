"""Encoders: any open_clip or timm model by name, our own small one, and the vectors they give."""

from ml.encoders.encoder import Encoder
from ml.encoders.load import load_encoder
from ml.encoders.spec import EncoderSpec, resolve_spec
from ml.encoders.stream import EncodedBatch, EncodingPipeline

__all__ = ["EncodedBatch", "Encoder", "EncoderSpec", "EncodingPipeline", "load_encoder", "resolve_spec"]
