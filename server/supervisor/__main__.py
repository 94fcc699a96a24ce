"""`python -m server.supervisor run | stop | status`."""

import argparse
import os
import sys
from pathlib import Path

from server.supervisor.console import say
from server.supervisor.instance import Instance
from server.supervisor.run import ROOT, Options, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make run", description="Start, stop and look at Winnow on this machine.")
    parser.add_argument("action", choices=["run", "stop", "status"])
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8000 or the next free one)")
    parser.add_argument("--no-demo", action="store_true", help="on a first start, make no demo project")
    arguments = parser.parse_args()
    state = Path(os.environ.get("WINNOW_STATE") or ROOT / ".winnow")
    if arguments.action == "run":
        return run(Options(state=state, host=arguments.host, port=arguments.port, demo=not arguments.no_demo))
    instance = Instance(state)
    if not instance.is_running():
        say(f"Winnow is not running (state in {state}).")
        return 0 if arguments.action == "stop" else 1
    return stop(instance) if arguments.action == "stop" else status(instance)


def stop(instance: Instance) -> int:
    if instance.ask_to_stop():
        say("Winnow has stopped.")
        return 0
    say(f"Winnow (process {instance.facts().get('pid', 'unknown')}) did not stop.")
    return 1


def status(instance: Instance) -> int:
    facts = instance.facts()
    if not facts:
        say("Winnow is starting.")
        return 0
    say(f"Winnow runs at {facts['url']} (process {facts['pid']})")
    for name, process in facts["processes"].items():
        restarts = f", restarted {process['restarts']} times" if process["restarts"] else ""
        say(f"  {name:<20} {'process ' + str(process['pid']) if process['pid'] else 'waiting to start'}{restarts}")
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        if name in facts["environment"]:
            say(f"  {name}={facts['environment'][name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
