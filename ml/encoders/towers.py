"""The two halves of an encoder as plain callables, whatever library built them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ml.data.preprocess import Preprocessing


@dataclass(frozen=True)
class Towers:
    """A loaded model.

    `encode_image` maps (B, 3, H, W) normalised floats to (B, D) features of any length; `tokenize` maps B texts to
    (B, T) token ids and `encode_text` those to (B, D). The last two are None for a model that only sees.
    """

    module: nn.Module
    preprocessing: Preprocessing
    encode_image: Callable[[Tensor], Tensor]
    encode_text: Callable[[Tensor], Tensor] | None = None
    tokenize: Callable[[Sequence[str]], Tensor] | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
