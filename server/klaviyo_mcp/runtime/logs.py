"""Lines on stderr, as text or as JSON: one for each record, whatever stands in it.

Ours have fields, given as `extra={"fields": {...}}`. The level asked for is that of our own loggers; libraries are
heard from `warning` on, since at lower levels some of them tell what was asked of whom.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.runtime.settings import Settings

log = logging.getLogger("klaviyo_mcp")

PLAIN = re.compile(r"[A-Za-z0-9_./{}:@+-]+")
"""A value that text shows without quotes."""


def start_logging(settings: Settings, usual: str, *, form: str | None = None, level: str | None = None) -> None:
    """Write to stderr from now on, as flags say (`form` and `level`) or else settings.

    `usual` is the lowest level that is told when neither says one.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if (form or settings.klaviyo_mcp_log_format) == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel((level or settings.klaviyo_mcp_log_level or usual).upper())


def announce(text: str) -> None:
    """A line that is told at any level, such as where a server listens."""
    log.handle(log.makeRecord(log.name, logging.INFO, "", 0, text, (), None))


class TextLines(logging.Formatter):
    """`2026-11-25T21:40:00.123Z INFO klaviyo_mcp.calls: call action=get_lists …`, with bars before a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and further ones that begin with a bar for a traceback."""
        fields = "".join(
            f" {name}={_value(value)}" for name, value in _fields(record).items() if value not in (None, "")
        )
        line = f"{_time(record)} {record.levelname} {record.name}: {escaped(record.getMessage())}{fields}"
        return "\n".join([line, *(f"  | {escaped(part)}" for part in _traceback(self, record).splitlines())])


class JsonLines(logging.Formatter):
    """A JSON object for each record: time, level, logger, message, its fields, and the traceback as one text."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of ASCII."""
        told: JSON = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if trace := _traceback(self, record):
            told["exception"] = trace
        return json.dumps(told, default=str)


def escaped(text: str) -> str:
    """A text as one line, in which nothing ends a line, moves a cursor, or hides."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _fields(record: logging.LogRecord) -> JSON:
    fields = getattr(record, "fields", None)
    return fields if is_object(fields) else {}


def _value(value: Any) -> str:
    text = str(value)
    return text if PLAIN.fullmatch(text) else escaped(json.dumps(text, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)
