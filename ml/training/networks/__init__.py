"""Networks that learners train, by name."""

from ml.training.networks.registry import NETWORKS, build_network

__all__ = ["NETWORKS", "build_network"]
