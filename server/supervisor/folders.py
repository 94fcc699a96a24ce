"""Folders that a service's own account must reach, and sockets whose paths must be short."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from server.supervisor.console import Problem, say

DATABASE_ACCOUNT = "pgserver"
LONGEST_SOCKET_PATH = 100
"""The kernel's limit is 107 bytes on Linux and 103 on macOS."""


def database_account() -> str:
    """The account PostgreSQL runs as: our own, or `pgserver` when we are root, as PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return ""
    try:
        pwd.getpwnam(DATABASE_ACCOUNT)
    except KeyError:
        if not shutil.which("useradd"):
            raise Problem(
                f"PostgreSQL refuses to run as root, and there is no `useradd` to create the account "
                f"`{DATABASE_ACCOUNT}`. Create it, or run Winnow as another user."
            ) from None
        shell = shutil.which("nologin") or "/bin/false"
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", shell, DATABASE_ACCOUNT], check=True)
    return DATABASE_ACCOUNT


def open_for(account: str, folder: Path) -> None:
    """Lets `account` pass through the parents of `folder`: search permission only, none to read or list."""
    if not account:
        return
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IXOTH or parent.stat().st_uid == pwd.getpwnam(account).pw_uid:
            continue
        parent.chmod(mode | stat.S_IXOTH)
        say(f"    {parent}: other accounts may now pass through (not list), so that PostgreSQL reaches its files")


def let_run(account: str, installation: Path) -> None:
    """Lets `account` read and run the files of a package that was installed under a strict umask."""
    if not account or (installation / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (installation, *installation.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def give_to(account: str, folder: Path, mode: int = 0o700) -> Path:
    """Makes `folder` and hands it to `account`."""
    folder.mkdir(parents=True, exist_ok=True)
    if account:
        entry = pwd.getpwnam(account)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    folder.chmod(mode)
    return folder


def socket_folder(preferred: Path, socket_name: str) -> Path:
    """`preferred`, or a private short folder of the same meaning when the socket's path would be too long."""
    if len(os.fsencode(preferred / socket_name)) <= LONGEST_SOCKET_PATH:
        return preferred
    key = hashlib.sha256(os.fsencode(preferred.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"winnow-{os.getuid()}-{key}"
