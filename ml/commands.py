"""`python -m ml.bench COMMAND …` and `python -m ml.train COMMAND …`: one module of the folder for each command."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

from ml.errors import MlError


def dispatch(package: ModuleType, argv: Sequence[str]) -> int:
    """Run `<package>.<command>.main(argv)`; commands import their own dependencies only.

    Returns the exit status: 2 for a command that there is not, 1 for an expected error, which becomes one line.
    """
    commands = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))
    if not argv or argv[0] not in commands:
        sys.stderr.write(f"usage: python -m {package.__name__} {{{','.join(commands)}}} …\n")
        return 2
    module = importlib.import_module(f"{package.__name__}.{argv[0]}")
    try:
        return int(module.main(list(argv[1:])) or 0)
    except MlError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
