"""Becomes another program, after tying its life to its parent's. Standard library only.

    python child.py --signal 2 --nice 5 --user pgserver --parent 4242 -- postgres -D …

Setting these between fork and exec would be unsafe in a supervisor that has threads, so a small program does it.
"""

import argparse
import ctypes
import os
import platform
import pwd
import signal
import struct
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""Numbers of the system call, which neither Python nor the C library has a name for."""
SLICE_NS = 100_000_000


def die_with_parent(signal_number: int, parent: int) -> None:
    """Linux sends `signal_number` to this process when its parent ends, however it ends. Elsewhere: nothing."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        os.kill(os.getpid(), signal_number)


def compute_in_batches() -> None:
    """Linux's class for long computations, in slices of 100 ms, which threads and children inherit: whoever wakes and
    asks for the usual few milliseconds runs at once (from Linux 6.12; before, slices are all alike). Elsewhere, and in
    sandboxes that forbid it: nothing, since it is a courtesy and no need."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if platform.machine() in SCHED_SETATTR:
        # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period, two clamps
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        wish = struct.pack("IIQiIQQQII", 56, os.SCHED_BATCH, 0, niceness, 0, SLICE_NS, 0, 0, 0, 0)
        ctypes.CDLL(None).syscall(SCHED_SETATTR[platform.machine()], 0, wish, 0)


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
