"""Imports point one way, migrations are complete, and the web process stays light."""

import os
import subprocess
import sys

from tests.architecture.tree import ROOT

BIN = os.path.dirname(sys.executable)


def said(*command: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_imports_keep_the_contracts() -> None:
    code, output = said(f"{BIN}/lint-imports", "--no-cache")
    assert code == 0, output


def test_no_migration_is_missing() -> None:
    code, output = said(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")
    assert code == 0, output


def test_the_web_process_loads_neither_torch_nor_ml() -> None:
    """All URLs are resolved too, as Django imports views only when the first request comes."""
    program = (
        "import sys, server.config.asgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        "heavy = {'torch', 'torchvision', 'open_clip', 'timm', 'transformers', 'sklearn', 'scipy', 'umap', 'ml'};"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    code, output = said(sys.executable, "-c", program, env={"DJANGO_SETTINGS_MODULE": "server.config.settings"})
    assert code == 0, output
    assert "loaded: []" in output


def test_production_settings_pass_the_deployment_check() -> None:
    production = {
        "DJANGO_SETTINGS_MODULE": "server.config.settings",
        "WINNOW_ENV": "production",
        "SECRET_KEY": "".join(chr(33 + n) for n in range(80)),
        "DATABASE_URL": "postgresql://winnow:8Gk2hQw5zT@database.example:5432/winnow",
        "CELERY_BROKER_URL": "redis://:8Gk2hQw5zT@broker.example:6379/0",
        "ALLOWED_HOSTS": "winnow.example",
    }
    code, output = said(sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING", env=production)
    assert code == 0, output
    assert "no issues (0 silenced)" in output
