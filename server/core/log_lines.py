"""One event, one line: what a person typed into a name cannot write a log line of its own."""

import logging

ESCAPED = {code: f"\\x{code:02x}" for code in [*range(0x20), *range(0x7F, 0xA0)]} | {0x0A: "\\n", 0x0D: "\\r"}


class OneLine(logging.Formatter):
    """Control characters of the message become visible escapes; a traceback below it keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.translate(ESCAPED)
        return super().formatMessage(record)
