"""The Celery application. A message is only a hint: the Job and Chunk rows are the truth (docs/decisions)."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")

app = Celery("winnow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_default_queue="default",
    task_create_missing_queues=False,
    task_queues={"default": {}, "ml": {}, "interactive": {}},
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=20.0,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 1800,
        "socket_keepalive": True,
        "socket_connect_timeout": 3,
        # A request waits for a broker that is down no longer than this; the sweeper sends its message later.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
        "health_check_interval": 10,
    },
    timezone="UTC",
)


def declare_task_modules() -> None:
    """Tasks live in one folder, imported by workers only: they may load torch, the web process may not."""
    app.autodiscover_tasks(["server.pipeline"], related_name="tasks")


declare_task_modules()
BEAT: dict[str, Any] = {
    "sweep": {"task": "pipeline.sweep", "schedule": 30.0, "options": {"queue": "default", "expires": 30}},
    "drop-spaces": {
        "task": "pipeline.drop_spaces",
        "schedule": 6 * 3600.0,
        "options": {"queue": "default", "expires": 3600},
    },
    "train": {
        "task": "pipeline.train_wherever_due",
        "schedule": 300.0,
        "options": {"queue": "default", "expires": 300},
    },
    "opinions": {
        "task": "pipeline.ask_wherever_divided",
        "schedule": 60.0,
        "options": {"queue": "default", "expires": 60},
    },
    "judge": {
        "task": "pipeline.judge_wherever_answered",
        "schedule": 10.0,
        "options": {"queue": "default", "expires": 10},
    },
    **{
        f"canary-{queue}": {
            "task": "pipeline.canary",
            "schedule": 60.0,
            "kwargs": {"queue": queue},
            "options": {"queue": queue, "expires": 60},
        }
        for queue in ("default", "ml", "interactive")
    },
}
app.conf.beat_schedule = BEAT
