"""Measurements: each command prints one JSON object."""
