"""Starts and watches Winnow's processes on one machine. Knows no Django: it outlives what it starts.

`python -m server.supervisor run` is the second half of `make run`; the first half, `scripts/setup.py`, made the
environment that this package runs in.
"""
