"""People at work, simulated: what they press, how long they look, and what they get wrong."""

from ml.simulation.person import Person, Tally

__all__ = ["Person", "Tally"]
