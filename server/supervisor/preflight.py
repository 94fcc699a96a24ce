"""What must be true before anything starts: a place to write, room on the disk, a port."""

import os
import shutil
import socket
from pathlib import Path

from server.supervisor.console import Problem, say

DEFAULT_PORT = 8000
LEAST_FREE_BYTES = 500 * 1024 * 1024


def prepare_state(state: Path) -> Path:
    """The state folder, made if needed; other accounts may pass through it (not list it) only when we are root."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise Problem(
            f"The state folder {state} cannot be used: {error.strerror}. Set WINNOW_STATE to another."
        ) from None
    return state.resolve()


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def check_disk(state: Path) -> None:
    free = free_bytes(state)
    if free < LEAST_FREE_BYTES:
        raise Problem(
            f"The disk of {state} is nearly full: {free // 1024**2} MB free, and PostgreSQL needs at least "
            f"{LEAST_FREE_BYTES // 1024**2} MB to run safely. Free some space, or set WINNOW_STATE to another disk."
        )


def choose_port(host: str, wanted: int | None) -> int:
    """The port asked for, or 8000, or the next free one, with a word about it."""
    if wanted is not None:
        free = free_port(host, wanted)
        if free is None:
            raise Problem(
                f"Port {wanted} on {host} is taken by another program. Choose another one, for instance: "
                f'make run ARGS="--port {wanted + 1}"'
            )
        return free
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 50):
        if free_port(host, port) is not None:
            if port != DEFAULT_PORT:
                say(f"    port {DEFAULT_PORT} is taken by another program: using {port}")
            return port
    raise Problem(f"No free port from {DEFAULT_PORT} to {DEFAULT_PORT + 49} on {host}.")


def free_port(host: str, port: int) -> int | None:
    """The port when nothing listens there (0: any free one), else None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])
