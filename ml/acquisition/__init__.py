"""Acquisition functions: which images of a pool a person should look at next."""

from ml.acquisition.base import Candidates, Function, Ranking
from ml.acquisition.registry import FUNCTIONS, acquire

__all__ = ["FUNCTIONS", "Candidates", "Function", "Ranking", "acquire"]
