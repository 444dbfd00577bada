"""POST over HTTP: one pool for many messages, every limit held, no redirect followed, proxies from the environment."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed does not know it

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from feeds.core.errors import ChannelError
from feeds.core.times import asked_for
from notifier.channels.limits import Limits, Watchdog
from notifier.channels.mail import decoded
from notifier.domain.retry import PATIENCE

_PASSING = (302, 303, 307, 408, 409, 423, 425, 429)
"""Statuses below 500 after which the same question may be answered later."""


class HttpAnswer(NamedTuple):
    """What a server answered: its status, the beginning of its body, and its headers by names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]


class HttpClient:
    """Posts to any server. The connections stay open for the next message.

    A redirect is never followed: the address of a webhook is its secret, and so may be its headers.
    """

    def __init__(self, ca_bundle: str, limits: Limits, watchdog: Watchdog, environment: Mapping[str, str]) -> None:
        self._ca_bundle, self._limits, self._watchdog = ca_bundle, limits, watchdog
        self._managers: dict[tuple[str, bool, bool], urllib3.PoolManager] = {}
        self._ways: dict[tuple[str, str, bool], tuple[Callable[..., urllib3.BaseHTTPResponse], bool]] = {}
        self._timeout = urllib3.Timeout(connect=limits.connect, read=limits.idle)
        self._proxies = _proxies(environment)
        self._current: list[Any] = []

    def close(self) -> None:
        """Close every connection."""
        for manager in self._managers.values():
            manager.clear()

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        verify: bool = True,
        who: str = "",
    ) -> HttpAnswer:
        """Send a body; what the server answered comes back where that is 2xx.

        ChannelError where it is not, or where there is no answer in time; `who` names the server in it.
        """
        limits, who = self._limits, who or urlsplit(url).hostname or "the server"
        with self._watchdog.within(limits.total, self._cut):
            try:
                ask, whole = self._way(url, verify)
                response = ask(
                    method,
                    url if whole else url[url.index("/", 8) :],
                    body=body,
                    headers={"User-Agent": "Navtex", **headers},
                    timeout=self._timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                answer = _read(response, limits.answer)
            except (HTTPError, OSError, ValueError) as error:
                if self._watchdog.bitten:
                    raise ChannelError(f"{who} took longer than {limits.total:g} seconds", unreachable=True) from error
                raise ChannelError(f"{who} cannot be reached: {_reason(error)}", unreachable=True) from error
        if 200 <= answer.status < 300:
            return answer
        raise refused(who, answer)

    def _way(self, url: str, verify: bool) -> tuple[Callable[..., urllib3.BaseHTTPResponse], bool]:
        """How to ask a server, and whether by the whole address, as a plain proxy wants it."""
        parts = urlsplit(url)
        origin = (parts.scheme, parts.netloc, verify)
        if origin not in self._ways:
            proxy = ""
            if not proxy_bypass_environment(parts.netloc.rpartition("@")[2], self._proxies):
                proxy = self._proxies.get(parts.scheme) or self._proxies.get("all") or ""
            tls = "https" in (parts.scheme, urlsplit(proxy).scheme)
            if (proxy, tls, verify) not in self._managers:
                self._managers[proxy, tls, verify] = self._manager(proxy, tls=tls, verify=verify)
            manager = self._managers[proxy, tls, verify]
            whole = bool(proxy) and parts.scheme == "http"
            self._ways[origin] = (manager.urlopen if whole else manager.connection_from_url(url).urlopen, whole)
        return self._ways[origin]

    def _manager(self, proxy: str, *, tls: bool, verify: bool) -> urllib3.PoolManager:
        settings: dict[str, Any] = {"maxsize": 4}
        if tls:
            settings["ssl_context"] = self._context(verify=verify)
        if proxy:
            proxy = proxy if "://" in proxy else f"http://{proxy}"
            user = urlsplit(proxy)
            login = urllib3.make_headers(proxy_basic_auth=f"{user.username}:{user.password}") if user.username else None
            manager: urllib3.PoolManager = urllib3.ProxyManager(proxy, proxy_headers=login, **settings)
        else:
            manager = urllib3.PoolManager(**settings)
        current = self._current

        class Plain(urllib3.HTTPConnectionPool):
            class ConnectionCls(_Whole, HTTPConnection):
                under_way = current

        class Tls(urllib3.HTTPSConnectionPool):
            class ConnectionCls(_Whole, HTTPSConnection):
                under_way = current

        manager.pool_classes_by_scheme = {"http": Plain, "https": Tls}
        return manager

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_bundle or None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            # the address says so
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return context

    def _cut(self) -> None:
        for connection in self._current:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


class _Whole(HTTPConnection):
    """A connection that sends a request's head together with its body, and says when it is used."""

    under_way: ClassVar[list[Any]]
    _head: bytes | None = None
    """What is sent with the body; None if a head does not come next, b"" if it does."""

    def endheaders(self, *args: Any, **options: Any) -> None:
        self.under_way[:] = [self]
        self._head = b""
        super().endheaders(*args, **options)

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = data
            return
        head, self._head = self._head or b"", None
        super().send(head + data)

    def getresponse(self) -> Any:
        if self._head:
            self.send(b"")
        return super().getresponse()


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxies by scheme, from `https_proxy` and its like; names in lower case win."""
    names = sorted((n for n in environment if n.lower().endswith("_proxy")), key=str.islower)
    return {n.lower().removesuffix("_proxy"): environment[n] for n in names if environment[n]}


def _read(response: urllib3.BaseHTTPResponse, most: int) -> HttpAnswer:
    """An answer's beginning. A connection with more on it is closed, as the rest would have to be read."""
    body = b""
    while len(body) < most and (chunk := response.read(min(4096, most - len(body)), decode_content=False)):
        body += chunk
    if len(body) >= most:
        response.close()
    response.release_conn()
    return HttpAnswer(response.status, body, {k.lower(): v for k, v in response.headers.items()})


def refused(who: str, answer: HttpAnswer) -> ChannelError:
    """The error of an answer that is not 2xx: for good, or until later, and until when."""
    status = answer.status
    said = f"{who} answered {status} {decoded(answer.body)}".rstrip()
    if 300 <= status < 400:
        host = urlsplit(answer.headers.get("location", "")).hostname or "elsewhere"
        said = f"{who} answered {status} with a redirect to {host}, which is not followed"
    return ChannelError(
        said,
        retry_at=asked_for(answer.headers.get("retry-after", ""), datetime.now(UTC), PATIENCE),
        permanent=300 <= status < 500 and status not in _PASSING,
        too_large=status == 413 or b"too_long" in answer.body,
    )


def _reason(error: Exception) -> str:
    """Why, without the address, which urllib3 says in full."""
    chain: list[BaseException] = [error]
    for one in chain:
        inner = (getattr(one, "reason", None), one.__cause__, *one.args)
        chain += [e for e in inner if isinstance(e, BaseException) and e not in chain]
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"TLS: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return f"TLS: {one.reason or 'no handshake'}"
        if isinstance(one, socket.gaierror):
            return "unknown host name"
        if isinstance(one, ConnectionRefusedError):
            return "the connection was refused"
    # urllib3 counts every connection that could not be made among its timeouts
    if any(isinstance(e, TimeoutError | urllib3.exceptions.TimeoutError) and not _made_none(e) for e in chain):
        return "no answer in time"
    last = next((e for e in reversed(chain) if isinstance(e, OSError) and e.strerror), None)
    return str(last.strerror) if last else type(chain[-1]).__name__


def _made_none(error: BaseException) -> bool:
    return isinstance(error, urllib3.exceptions.NewConnectionError)
