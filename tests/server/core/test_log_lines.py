"""Logs are read by people and by machines: nobody forges a line in them."""

import logging
import sys

from server.core.log_lines import OneLine


def formatted(message: str, *args: object, exc_info: object = None) -> str:
    record = logging.LogRecord("winnow", logging.WARNING, "here.py", 1, message, args, exc_info)  # type: ignore[arg-type]
    return OneLine("%(levelname)s %(message)s").format(record)


def test_a_name_with_line_breaks_and_escapes_stays_on_its_line() -> None:
    hostile = "a.jpg\n2026-01-01 CRITICAL root all is lost\r\x1b[31mred\x85"
    line = formatted("chunk_failed name=%s", hostile)
    assert len(line.splitlines()) == 1
    assert line == "WARNING chunk_failed name=a.jpg\\n2026-01-01 CRITICAL root all is lost\\r\\x1b[31mred\\x85"


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("expected a number")
    except ValueError:
        line = formatted("job_failed", exc_info=sys.exc_info())
    assert line.startswith("WARNING job_failed\nTraceback")
    assert line.endswith("ValueError: expected a number")


def test_the_server_writes_its_logs_this_way() -> None:
    assert any(isinstance(handler.formatter, OneLine) for handler in logging.getLogger().handlers)
