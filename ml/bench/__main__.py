"""`python -m ml.bench COMMAND …`: one module of this folder for each command."""

import importlib
import pkgutil
import sys

import ml.bench


def main() -> int:
    """Dispatch to `ml.bench.<command>.main(argv)`; commands import their own dependencies only."""
    commands = sorted(m.name for m in pkgutil.iter_modules(ml.bench.__path__) if not m.name.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(f"usage: python -m ml.bench {{{','.join(commands)}}} …", file=sys.stderr)
        return 2
    module = importlib.import_module(f"ml.bench.{sys.argv[1]}")
    return int(module.main(sys.argv[2:]) or 0)


if __name__ == "__main__":
    sys.exit(main())
