"""Becomes another program, after tying its life to its parent's. Standard library only.

    python child.py --signal 2 --nice 5 --user pgserver --parent 4242 -- postgres -D …

Setting these between fork and exec would be unsafe in a supervisor that has threads, so a small program does it.
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: int, parent: int) -> None:
    """Linux sends `signal_number` to this process when its parent ends, however it ends. Elsewhere: nothing."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        os.kill(os.getpid(), signal_number)


def compute_in_batches() -> None:
    """Linux's class for long computations, which threads and children inherit. Elsewhere, and in sandboxes that forbid
    it: nothing, since it is a courtesy and no need."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def become_user(name: str) -> None:
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--batch", action="store_true")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if arguments.nice:
        os.nice(arguments.nice)
    if arguments.batch:
        compute_in_batches()
    if arguments.user:
        become_user(arguments.user)
    die_with_parent(arguments.signal, arguments.parent)  # after the change of user, which clears it
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606 no shell is the point


if __name__ == "__main__":
    main()
