"""What `ml` raises on purpose, for the stations that turn it into a message."""

from ml.errors import DecodeError, MlError, NonFiniteError, SpaceMismatchError

__all__ = ["DecodeError", "MlError", "NonFiniteError", "SpaceMismatchError"]
