"""Settings, typed environment, urls, ASGI and Celery. Imported by nothing below it."""
