"""The settings of every test: the product's own, on a database and a state folder that live as long as the run."""

import os
import tempfile
from pathlib import Path

if "WINNOW_TEST_RUN" not in os.environ:
    os.environ["WINNOW_TEST_RUN"] = tempfile.mkdtemp(prefix="winnow-tests-")
RUN = Path(os.environ["WINNOW_TEST_RUN"])
"""One folder for the whole run; workers of pytest-xdist inherit its name."""
RUN.chmod(0o711)
STATE = RUN / os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["WINNOW_STATE"] = str(STATE)
os.environ.setdefault("DATABASE_URL", f"postgresql://postgres@/postgres?host={RUN / 'postgres'}")
os.environ.setdefault("CELERY_BROKER_URL", "memory://")

from server.config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a test is not a vault
WINNOW_HEARTBEAT_S = float(os.environ.get("WINNOW_HEARTBEAT_S", "10"))
WINNOW_FAILPOINT_DIR = os.environ.get("WINNOW_FAILPOINT_DIR", "")
