"""`python -m ml.train COMMAND …`."""

import sys

import ml.train
from ml.commands import dispatch

if __name__ == "__main__":
    sys.exit(dispatch(ml.train, sys.argv[1:]))
