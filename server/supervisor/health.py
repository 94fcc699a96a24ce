"""Signs of life that a live process id does not give: does the web answer, do messages come through each queue?"""

import http.client
import os
import sys

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


def silent_queues(database_url: str) -> set[str]:
    """The queues whose canary is older than `STALE_S`. Nothing when the database cannot be asked."""
    question = "SELECT queue FROM jobs_canary WHERE seen_at < clock_timestamp() - make_interval(secs => %s)"
    try:
        with psycopg.connect(database_url, connect_timeout=3) as connection:
            return {str(row[0]) for row in connection.execute(question, [STALE_S]).fetchall()}
    except psycopg.Error:
        return set()


def main(arguments: list[str]) -> int:
    """`web HOST:PORT` or `queue NAME`, for a container's health check. Status 0 is healthy."""
    if arguments[0] == "web":
        host, _, port = arguments[1].rpartition(":")
        return 0 if web_answers(host, int(port)) else 1
    return 1 if arguments[1] in silent_queues(os.environ["DATABASE_URL"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
