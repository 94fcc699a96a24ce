"""`python -m ml.train COMMAND …`: one module of this folder for each command."""

import importlib
import pkgutil
import sys

import ml.train


def main() -> int:
    """Dispatch to `ml.train.<command>.main(argv)`; commands import their own dependencies only."""
    commands = sorted(m.name for m in pkgutil.iter_modules(ml.train.__path__) if not m.name.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(f"usage: python -m ml.train {{{','.join(commands)}}} …", file=sys.stderr)
        return 2
    module = importlib.import_module(f"ml.train.{sys.argv[1]}")
    return int(module.main(sys.argv[2:]) or 0)


if __name__ == "__main__":
    sys.exit(main())
