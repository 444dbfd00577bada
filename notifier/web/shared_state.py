"""What all requests to one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from feeds.storage.database import Database
from notifier.config import Config
from notifier.services.people.tokens import of_tokens
from notifier.web.handler_values import Renderer, Route
from notifier.web.security_headers import Answered
from notifier.web.thread_results import Arrivals
from notifier.web.token_checks import TokenChecks

T = TypeVar("T")


@dataclass
class Site:
    """What all requests share."""

    database: Database
    config: Config
    templates: Renderer
    hosts: frozenset[str]
    """The hosts that it answers for."""
    base: str
    routes: tuple[Route, ...]
    secure: bool = True
    """Whether cookies are Secure."""
    setup: str = ""
    """The hash of the secret in the address that makes the first administrator."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    report: Callable[[BaseException], None] = lambda _: None
    """Called with what a handler did not expect."""
    told: Callable[[Answered], None] = lambda _: None
    """Called with every request that was answered."""
    pool: ThreadPoolExecutor = field(init=False)
    tokens: TokenChecks = field(init=False)
    waiting: int = 0
    _arrivals: Arrivals | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.config.web.threads, "navtex-web")
        self.tokens = TokenChecks(self.pool, lambda given: of_tokens(self.database, given, self.clock()))

    async def run(self, work: Callable[..., T], *values: Any) -> T:
        """Run something in the thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *values)

    def arrivals(self) -> Arrivals:
        """Where the running event loop waits for answers that other threads have."""
        loop = asyncio.get_running_loop()
        if self._arrivals is None or self._arrivals.loop is not loop:
            self._arrivals = Arrivals(loop)
        return self._arrivals
