"""What several people said of one image, and how far it can be believed."""

from ml.consensus.agreement import (
    alpha_interval,
    cohen_interval,
    cohen_kappa,
    fleiss_interval,
    fleiss_kappa,
    krippendorff_alpha,
)
from ml.consensus.dawid_skene import Consensus, dawid_skene, settled_majority
from ml.consensus.votes import Votes, majority, met_order, tally

__all__ = [
    "Consensus",
    "Votes",
    "alpha_interval",
    "cohen_interval",
    "cohen_kappa",
    "dawid_skene",
    "fleiss_interval",
    "fleiss_kappa",
    "krippendorff_alpha",
    "majority",
    "met_order",
    "settled_majority",
    "tally",
]
