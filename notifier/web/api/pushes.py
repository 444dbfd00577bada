"""`POST /api/v1/inventory`: hosts that report themselves."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import Future

from feeds.core.errors import InventoryError, UsageProblem
from feeds.core.text import json_bytes
from notifier.domain.pushes import Push, PushResult
from notifier.inventory import InputOptions
from notifier.services.hosts.pushes import HostNotAllowed, PushAnswer, check_own, read_push
from notifier.web.api.parameters import PRODUCT, TAG, Given, Parameter
from notifier.web.api.push_queue import HostRates, PushQueue, QueueFull, queue_of
from notifier.web.handler_values import JSON, Answer, Call, problem
from notifier.web.scoping import NOTHING

LIMIT = 1 << 20
"""Bytes of a push."""
AGAIN = "5"
"""Seconds after which a push that found too many others may come again."""
_OPTION = re.compile(r"--(host|from|product|tag)\b(?: (?=NAME))?")
"""Options of the command line in messages: here they are parameters."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

PUSHED_HOST = Parameter("host", "The host's name, if the content has none; it replaces the name of a single host.")
FORMAT = Parameter("from", "The format, if it is not recognised, or a mapping of the configuration.")
PUSHED_PRODUCT = Parameter("product", "The product, if the content has only versions.", PRODUCT.read, PRODUCT.schema)
PUSHED_TAG = Parameter("tag", "A tag for every host, NAME=VALUE.", TAG.read, TAG.schema, repeated=True)
PARAMETERS = (PUSHED_HOST, FORMAT, PUSHED_PRODUCT, PUSHED_TAG)


class _TooOften(Exception):
    """A host reported itself too often."""


def push(call: Call, given: Given) -> Answer | Future[Answer]:
    """Store what a host reports of itself."""
    queue = queue_of(call.database)
    key = _key(call)
    try:
        stored = queue.put(lambda: _read(call, given, key, queue.rates), len(call.body))
    except QueueFull:
        queue.refused(PushResult.BUSY)
        return _of(PushResult.BUSY)
    answered: Future[Answer] = Future()

    def done(found: Future[PushAnswer]) -> None:
        if not answered.set_running_or_notify_cancel():
            return  # nobody waits any more
        error = found.exception()
        try:
            answered.set_result(_refused(error, queue) if error else _of(found.result()))
        except Exception as unexpected:  # noqa: BLE001 - it is answered, and reported, as of any other handler
            answered.set_exception(unexpected)

    stored.add_done_callback(done)
    return answered


def _refused(error: BaseException, queue: PushQueue) -> Answer:
    """The answer for what cannot be read or may not be said; it is counted. Other errors are raised again."""
    if isinstance(error, HostNotAllowed):
        queue.refused(PushResult.FORBIDDEN)
        return problem(403, "Not permitted", str(error))
    if isinstance(error, InventoryError):
        queue.refused(PushResult.UNREADABLE)
        return problem(422, "Cannot be read", _OPTION.sub(r"?\1=", str(error)))
    if isinstance(error, _TooOften):
        queue.refused(PushResult.TOO_OFTEN)
        return problem(429, "Too many requests", str(error), (("retry-after", "60"),))
    if isinstance(error, UsageProblem):
        queue.refused(PushResult.UNREADABLE)
    raise error


def _read(call: Call, given: Given, key: str, rates: HostRates) -> Push:
    """What is pushed. Somebody who is limited to some tags reports hosts with these tags only."""
    limit = call.viewer.scope
    if limit.tags == NOTHING:
        raise HostNotAllowed("this token may not report any host")
    options = InputOptions(
        given.get("from", ""), given.get("host", ""), given.get("product", ""), own=call.config.inventory.mapping
    )
    tags = {**dict(given.get("tag", ())), **limit.tags}
    read = read_push(call.body, options, tags=tags, may=_May(call.viewer.hosts), key=key)
    if call.viewer.limited:
        check_own(call.database, read, limit)
    if busy := next((name for name in read.names if not rates.allowed(name, call.now)), None):
        raise _TooOften(f"{busy} reported itself more than {rates.PER_MINUTE} times in this minute")
    return read


def _of(result: PushAnswer) -> Answer:
    if not isinstance(result, PushResult):
        return Answer(200, json_bytes(result), JSON)
    if result is PushResult.BUSY:
        return problem(503, "Temporarily unavailable", "Too many pushes wait.", (("retry-after", AGAIN),))
    if result is PushResult.KEY_REUSED:
        return problem(422, "Cannot be read", "This Idempotency-Key came with another content before. Use a new one")
    return problem(500, "Internal error", "This push could not be stored.")


def _key(call: Call) -> str:
    """A hash of who pushes and their Idempotency-Key; "" without one."""
    said = call.headers.get("idempotency-key")
    if said is None:
        return ""
    if not _KEY.fullmatch(said):
        raise UsageProblem("it must have 1 to 255 visible ASCII characters", where="Idempotency-Key")
    return hashlib.sha256(f"{call.viewer.way}\0{call.viewer.name}\0{call.viewer.hosts}\0{said}".encode()).hexdigest()


class _May:
    """Whether a token's pattern names a host; a pattern of several parts has blanks or commas between."""

    def __init__(self, pattern: str) -> None:
        parts = re.split(r"[\s,]+", pattern.strip())
        written = (re.escape(p).replace(r"\*", ".*").replace(r"\?", ".") for p in parts if p)
        self._any = not pattern.strip()
        self._pattern = re.compile("|".join(written) or r"(?!)", re.IGNORECASE | re.DOTALL)

    def __call__(self, name: str) -> bool:
        return self._any or self._pattern.fullmatch(name) is not None
