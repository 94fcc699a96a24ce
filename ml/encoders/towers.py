"""The two halves of an encoder, whatever library built them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ml.data.preprocess import Preprocessing


@dataclass(frozen=True)
class Towers:
    """A loaded model.

    `image` maps (B, 3, H, W) normalised floats to (B, D) features of any length (or a tuple that begins with them);
    it is a module of its own, so that it can be cast and compiled without touching the text tower. `tokenize` maps B
    texts to (B, T) token ids and `encode_text` those to (B, D); both are None for a model that only sees.
    """

    module: nn.Module
    image: nn.Module
    preprocessing: Preprocessing
    encode_text: Callable[[Tensor], Tensor] | None = None
    tokenize: Callable[[Sequence[str]], Tensor] | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
