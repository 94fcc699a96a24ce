"""Errors of `ml`. Each message says what was expected, what came, and what to do."""


class MlError(Exception):
    """Base of every error that `ml` raises on purpose."""


class EmptyClassError(MlError):
    """A class has no support item, so its mean (or any fit) is undefined."""


class SpaceMismatchError(MlError):
    """Vectors of two encoders were brought together."""


class ShapeError(MlError):
    """A tensor or array does not have the shape that was asked for."""


class NonFiniteError(MlError):
    """NaN or infinity in an input, a weight or a loss."""


class ArtefactError(MlError):
    """A stored head, encoder or checkpoint cannot be read as what it claims to be."""


class EncoderUnavailableError(MlError):
    """An encoder's weights cannot be had here; the message names the next step."""


class NoTextTowerError(MlError):
    """A text prompt was given to an encoder that sees only images."""


class DecodeError(MlError):
    """An image cannot be decoded within its limits. `reason` is a short stable code, `key` the caller's own name."""

    def __init__(self, message: str, *, reason: str, key: object = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.key = key


class ConfigError(MlError):
    """An option has a value that cannot work; the message names the values that can."""
