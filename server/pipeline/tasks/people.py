"""Simulated people, for commands: only what stands here may look across the seam."""

from server.compute.people import Person, person

__all__ = ["Person", "person"]
