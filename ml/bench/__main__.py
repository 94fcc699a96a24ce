"""`python -m ml.bench COMMAND …`."""

import sys

import ml.bench
from ml.commands import dispatch

if __name__ == "__main__":
    sys.exit(dispatch(ml.bench, sys.argv[1:]))
