"""Structured logs: one `key=value` line per event on stderr, so that stdout holds results only."""

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _LogfmtFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        fields.update((k, v) for k, v in record.__dict__.items() if k not in _STANDARD)
        line = " ".join(f"{key}={_quote(value)}" for key, value in fields.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _quote(value: object) -> str:
    text = str(value)
    plain = text and not any(c.isspace() or c in '"=' for c in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


class _StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is at the time: the progress display puts itself there, to stay below the lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # as every handler of the standard library: a log line must not end a job
            self.handleError(record)


def configure_logging(level: str) -> None:
    """Send this library's logs to stderr at `level` (`debug`, `info`, `warning` or `error`)."""
    handler = _StderrHandler()
    handler.setFormatter(_LogfmtFormatter())
    logger = logging.getLogger("arenalake")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
