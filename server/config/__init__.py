"""Settings, typed environment, urls, ASGI and Celery. Imported by nothing below it."""

from server.config.celery import app as celery_app

__all__ = ["celery_app"]
