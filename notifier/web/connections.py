"""Connections with deadlines. uvicorn itself waits for ever for a request, and for a client that reads its answer."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedConnection(H11Protocol):
    """A connection that ends if its request, or the reading of its answer, takes too long."""

    request_seconds = 10.0
    """For the line and the headers of a request, and for what a client sends after it was answered."""
    reading_seconds = 20.0
    """After so long, a client that reads must have taken `reading_bytes` more."""
    reading_bytes = 10 * 1024
    most = 800
    """Open connections. One more ends the one that has waited longest for a request. Systems permit 1,024 files."""

    _request: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _left: int | None = None
    """Bytes that were unread when last looked at; None if the client has read most of them since."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.most:
            others = (one for one in self.connections if isinstance(one, TimedConnection))
            waiting = (one for one in others if one.deadline and not one.transport.is_closing())
            min(waiting, key=lambda one: one.deadline, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on. Part of a request does not prolong its deadline."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        super().connection_lost(exc)
        for timer in (self._request, self._reading):
            if timer:
                timer.cancel()

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is made."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """The client has read most of what was written."""
        super().resume_writing()
        self._left = None

    def on_response_complete(self) -> None:
        """The answer is made; what was written of it may still be unread."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked for."""
        super().timeout_keep_alive_handler()
        self._expect_reading()

    def _watch(self) -> None:
        """Have a deadline as long as no request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]  # None at first
            if self._request:
                self._request.cancel()
            self._request = None
        elif self.transport.is_closing():  # a request was refused; the refusal, too, must be read
            self._expect_reading()
        elif not self._request:
            self._request = self.loop.call_later(self.request_seconds, self.transport.abort)

    @property
    def deadline(self) -> float:
        """When it ends unless a request comes, by the clock of the loop; 0 while one is being answered."""
        return self._request.when() if self._request else 0.0

    def _expect_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and not self._reading:
            self._left = left
            self._reading = self.loop.call_later(self.reading_seconds, self._look)

    def _look(self) -> None:
        """End the connection unless the client reads on."""
        self._reading = None
        left = self.transport.get_write_buffer_size()
        if self._left is not None and left > max(self._left - self.reading_bytes, 0):
            self.transport.abort()
        else:
            self._expect_reading()
