"""A worker without a broker: puts right what a dead one left behind, then runs what is queued.

python -m tests.flows.worker   (DATABASE_URL and WINNOW_STATE in the environment)
"""

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")
    import django

    django.setup()
    from server.jobs.sweeping import sweep
    from server.pipeline import flows, tasks
    from server.pipeline.station import run, run_pending

    assert tasks
    with flows.without_messages():
        for job in sweep(stale_s=0):
            run(job.pk, kind=job.kind, inline=True)
        run_pending()


if __name__ == "__main__":
    main()
