"""Signs of life that a live process id does not give: does the web answer, do messages come through each queue?"""

import http.client
import time

import psycopg

STALE_S = 300.0
"""Beat sends a canary through each queue every minute; a busy worker reports in between."""


def web_answers(host: str, port: int, timeout: float = 5) -> bool:
    """True when the web process answers anything below 500."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/api/v1/health", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_web(host: str, port: int, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if web_answers(host, port):
            return True
        time.sleep(0.1)
    return False


def silent_queues(database_url: str) -> set[str]:
    """The queues whose canary is older than `STALE_S`. Nothing when the database cannot be asked."""
    question = "SELECT queue FROM jobs_canary WHERE seen_at < clock_timestamp() - make_interval(secs => %s)"
    try:
        with psycopg.connect(database_url, connect_timeout=3) as connection:
            return {str(row[0]) for row in connection.execute(question, [STALE_S]).fetchall()}
    except psycopg.Error:
        return set()
