"""What every test may ask for: a real database, and nothing that outlives the run."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import PERSON, ROOT, Installation
from tests.services import ensure_postgres, stop_services

CONTROLLER = "WINNOW_TEST_CONTROLLER"


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(CONTROLLER, str(os.getpid()))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that a person started, and not a worker, ends the services and removes the run's folder."""
    run = os.environ.get("WINNOW_TEST_RUN")
    if run and os.environ.get(CONTROLLER) == str(os.getpid()):
        stop_services(Path(run))
        shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> None:
    """A PostgreSQL 18 with pgvector: that of DATABASE_URL, or an embedded one shared by all workers of the run."""
    run = Path(os.environ["WINNOW_TEST_RUN"])
    if str(run) in os.environ["DATABASE_URL"]:
        ensure_postgres(run, watched=int(os.environ[CONTROLLER]))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, postgres: None) -> None:
    """Asked for by pytest-django before it makes each worker's own database."""


@pytest.fixture(scope="session")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with its workers, and the person of `PERSON`: one for all who do not end it."""
    if not (ROOT / "frontend" / "dist" / "index.html").exists():
        pytest.skip("the front end is not built: run `make setup`")
    installation = Installation(tmp_path_factory.mktemp("winnow") / "state", "--no-demo")
    installation.start()
    username, password = PERSON
    installation.manage(
        "createsuperuser", "--no-input", "--username", username, "--email", "", DJANGO_SUPERUSER_PASSWORD=password
    )
    yield installation
    installation.stop()
