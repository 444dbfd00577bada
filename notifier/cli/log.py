"""Events: as messages for a person, or as a log with one event on each line, as text or JSON.

Without a format, level or file for a log, warnings and errors are messages on standard error.  With a file they are
both.  The settings come from the options, the environment and the configuration.  Only commands log; services return
what there is to say.  docs/explanation/architecture.md says why this does not use structlog.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import msgspec

from feeds.core.errors import Busy, ConfigError, NavtexError, UsageProblem
from feeds.core.text import printable
from feeds.core.times import stamp_ms
from notifier.config import Log
from notifier.security.redaction import redact

_LOG = logging.getLogger("navtex")
_KNOWN = ("GITHUB_TOKEN", "GH_TOKEN", "NAVTEX_SECRET_KEY", "PGPASSWORD")
"""Variables whose values are hidden wherever they stand."""


def begin(settings: Log) -> None:
    """Log as the settings say; ConfigError if the file cannot be written."""
    unasked = settings == Log()
    for old in logging.getLogger().handlers:
        old.close()
    handlers = []
    if unasked or settings.file:  # then a person reads standard error, or the mail that cron makes of it
        handlers.append(_ready(logging.StreamHandler(sys.stderr), _Plain(), _worth_saying))
    if not unasked:
        form = _Json() if settings.format == "json" else _Text()
        handlers.append(_ready(_handler(settings.file), form, _ours_or_bad))
    logging.getLogger().handlers = handlers
    _LOG.setLevel(logging.DEBUG if unasked else settings.level.upper())
    # the loggers of libraries have this level: what no handler takes is not even made, nor looked through for secrets
    logging.getLogger().setLevel(max(logging.WARNING, _LOG.level if not unasked else logging.NOTSET))


def _ready(
    handler: logging.Handler, form: logging.Formatter, choice: Callable[[logging.LogRecord], bool]
) -> logging.Handler:
    handler.addFilter(choice)
    handler.addFilter(Redact())
    handler.setFormatter(form)
    return handler


def plain() -> bool:
    """Whether standard error is for people, and not a log."""
    handlers = logging.getLogger().handlers
    return not handlers or isinstance(handlers[0].formatter, _Plain)


def event(name: str, text: str, *, level: str = "info", aloud: bool = False, **fields: Any) -> None:
    """Log an event. With `aloud` a person sees it even if nothing is wrong."""
    if not logging.getLogger().handlers:
        begin(Log())
    _LOG.log(getattr(logging, level.upper()), "%s", text, extra={"event": name, "fields": fields, "aloud": aloud})


def exit_status(error: NavtexError) -> int:
    """The exit status that an error means."""
    if isinstance(error, Busy):
        return 4
    return 2 if isinstance(error, UsageProblem) else 1


def failure(error: NavtexError, status: int) -> None:
    """Log the error that ends the program."""
    name = type(error).__name__
    event("failed", str(error), level="error", where=error.where, remedy=error.remedy, error=name, status=status)


def crash(error: BaseException) -> None:
    """Log an unexpected error, with its traceback."""
    lines = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}"
    event("crashed", what, level="error", error=type(error).__name__, traceback=lines, status=1)


def stage_failed(stage: str, error: Exception) -> None:
    """Log an unexpected error that ended one stage of a run, with the place; the traceback goes into the fields."""
    lines = "".join(traceback.format_exception(error))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = f"Unexpected error while {stage}: {type(error).__name__}: {error}{place}. Please report it"
    event("stage_failed", text, level="error", stage=stage, error=type(error).__name__, traceback=lines)


class Redact(logging.Filter):
    """Hides secrets in a record: in its text, arguments, fields and traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's text. Returns True."""
        known = [value for name in _KNOWN if (value := os.environ.get(name))]
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{''.join(traceback.format_exception(*record.exc_info))}"
            record.exc_info = record.exc_text = None
        record.msg, record.args = redact(text, known), ()
        record.__dict__["fields"] = _redacted(getattr(record, "fields", {}), known)
        return True


def _redacted(value: Any, known: list[str]) -> Any:
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, dict):
        return {name: _redacted(item, known) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, known) for item in value]
    return value


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = f"{'Error: ' if getattr(record, 'event', '') == 'failed' else ''}{record.getMessage()}"
        return printable(text, keep="\n")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_value(value)}" for name, value in _fields(record).items())
        return f"{_at(record)} {record.levelname.lower():<7} {_line(record.getMessage())}{fields}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        head = {"time": _at(record), "level": record.levelname.lower(), "event": getattr(record, "event", "library")}
        line = {**head, "message": record.getMessage(), "pid": record.process, **_fields(record)}
        return json.dumps(msgspec.to_builtins(line, str_keys=True), ensure_ascii=True)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {n: v for n, v in getattr(record, "fields", {}).items() if v is not None and v != ""}
    return fields if hasattr(record, "event") else {"logger": record.name}


def _at(record: logging.LogRecord) -> str:
    return stamp_ms(datetime.fromtimestamp(record.created, UTC))


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return _line(text) if text.isprintable() and not set(text) & set(' "=') else json.dumps(text)


def _line(text: str) -> str:
    """Text on one line, without characters that steer a terminal."""
    return printable(text.replace("\n", "\\n"))


def _handler(file: str) -> logging.Handler:
    if not file:
        return logging.StreamHandler(sys.stderr)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o640))
        return WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        remedy = "Create its folder and make it writable for this user"
        raise ConfigError(f"the log cannot be written: {error.strerror}", where=file, remedy=remedy) from error


def _worth_saying(record: logging.LogRecord) -> bool:
    """Whether a person sees it: nothing that libraries log, and of a crash only Python's own traceback."""
    name = getattr(record, "event", "crashed")
    return name != "crashed" and (bool(getattr(record, "aloud", False)) or record.levelno >= logging.WARNING)


def _ours_or_bad(record: logging.LogRecord) -> bool:
    """Whether it is ours, or a library's warning; below that libraries quote what they send."""
    return record.name == _LOG.name or record.levelno >= logging.WARNING
