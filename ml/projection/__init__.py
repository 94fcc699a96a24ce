"""A space on a plane, so that people can look at it."""

from ml.projection.layout import METHODS, lay_out

__all__ = ["METHODS", "lay_out"]
